import { readFile } from 'node:fs/promises';
import type { AsOf, Tenant } from '@millrace/kernel';
import { z } from 'zod';
import { isAbsent } from '../duckdb/durable-file.ts';

const file = z.object({ log: z.string(), epoch: z.int(), first: z.int(), last: z.int(), rows: z.int(), path: z.string() });

const manifest = z.object({
  format: z.literal(1),
  instance: z.string(),
  /** `<build>.<revision>` of the star that was published: of another one, all files are another's. */
  build: z.string().default('1.0'),
  tenant: z.string(),
  publishedAt: z.string(),
  asOf: z.record(z.string(), z.int()),
  epochs: z.record(z.string(), z.int()),
  /** Events up to those positions that are parked, and so in no table; logs that have any. */
  parked: z.record(z.string(), z.int()).default({}),
  tables: z.record(z.string(), z.array(file)),
});

/** One immutable Parquet file; `path` is below the manifest's folder. */
export type PublishedFile = z.infer<typeof file>;

/** What a tenant's published tables consist of, and up to where in each log they go. */
export interface SnapshotManifest extends z.infer<typeof manifest> {
  readonly tenant: Tenant;
  readonly asOf: AsOf;
}

/** Undefined when there is none, or it was published from another warehouse file: then everything is published anew. */
export const readManifest = async (path: string, instance: string): Promise<SnapshotManifest | undefined> => {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
  const parsed = manifest.safeParse(JSON.parse(text));
  return parsed.success && parsed.data.instance === instance ? parsed.data : undefined;
};

export const emptyManifest = (instance: string, tenant: Tenant): SnapshotManifest =>
  ({ format: 1, instance, build: '1.0', tenant, publishedAt: new Date(0).toISOString(), asOf: {}, epochs: {}, parked: {}, tables: {} });
