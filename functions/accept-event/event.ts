import * as v from 'valibot';
import { detailTypes } from './requests.ts';

/** The parts that are read of an event that asks for something. Its detail is a request, and may say who asks. */
export const eventSchema = v.object({
  id: v.pipe(v.string(), v.regex(/^[\w-]{1,45}$/)),
  'detail-type': v.picklist(detailTypes),
  source: v.string(),
  /** Of who has put it on the bus: EventBridge says so, and not the sender. */
  account: v.pipe(v.string(), v.regex(/^\d{12}$/)),
  time: v.string(),
  detail: v.unknown(),
});
export type RequestEvent = v.InferOutput<typeof eventSchema>;
