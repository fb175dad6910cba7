import { CONTEXTS, DomainError } from '@millrace/kernel';
import { z } from 'zod';

const context = z.enum(CONTEXTS);
/** A NATS subject of literal tokens; only the last may be the wildcard `>`. */
const subject = z.string().max(200).regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*(\.>)?$/);

const manifest = z.strictObject({
  service: z.string().max(32).regex(/^[a-z][a-z0-9-]*$/),
  owner: z.string().min(1).max(100),
  appends: z.array(context).max(CONTEXTS.length),
  reads: z.array(context).max(CONTEXTS.length),
  asks: z.array(subject).max(50),
  answers: z.array(subject).max(50),
  relay: z.boolean(),
  databases: z.array(z.string().max(63).regex(/^[a-z][a-z0-9_]*$/)).max(10),
  keys: z.boolean(),
  slo: z.string().min(1).max(500),
});

/** What a service appends, reads, asks and answers: its `service.yaml`. Grants and permissions are generated from it. */
export type ServiceManifest = Readonly<z.infer<typeof manifest>>;

/** Parses the object read from a `service.yaml`; throws DomainError `manifest-invalid` naming every wrong field at once. */
export const parseServiceManifest = (object: unknown): ServiceManifest => {
  const parsed = manifest.safeParse(object);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `/${issue.path.join('/')}: ${issue.message}`).join('; ');
  throw new DomainError('invalid', 'manifest-invalid', { faults }, `service.yaml does not fit its schema: ${faults}`);
};
