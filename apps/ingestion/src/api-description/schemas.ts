import { CONTEXTS } from '@millrace/kernel';
import { z } from 'zod';

const position = z.int().min(1).meta({ description: 'Position in the log, from 1, dense, in commit order' });
const log = z.string().meta({ description: '<context>/<shard>', examples: [`${CONTEXTS[1]}/0`] });
const index = z.int().min(0).meta({ description: 'Place of the event in the request, from 0' });

const stored = z.strictObject({ index, id: z.string(), outcome: z.enum(['accepted', 'duplicate']), log, position });
const refused = z.strictObject({
  index, id: z.string().optional(), outcome: z.literal('rejected'),
  pointer: z.string().meta({ description: 'JSON pointer into the event' }), code: z.string(), reason: z.string(),
});

export const intakeReport = z.strictObject({
  outcomes: z.array(z.union([stored, refused])).meta({ description: 'One per event, in the order of the request' }),
  dropped: z.int().min(0).meta({ description: 'Unnamed fields left out of the stored events' }),
});

const problemFields = {
  type: z.string(), title: z.string(), status: z.int(), detail: z.string().optional(),
  code: z.string().meta({ description: 'Stable, lower kebab-case' }), traceId: z.string(),
};
export const problem = z.strictObject(problemFields);
export const rejectedReport = z.strictObject({ ...problemFields, ...intakeReport.shape });
