import * as v from 'valibot';
import { InvalidRequest } from '../errors.ts';
import { object, parseFields, userNameSchema } from './fields.ts';

/** A request for the machine `offboard-subscriber`, in itself. */
export const offboardingSchema = object(
  v.strictObject({
    subscriber: object(v.strictObject({ userName: userNameSchema })),
    confirm: v.string('must be a string'),
    keepData: v.optional(v.boolean('must be true or false'), true),
  }),
);

/**
 * Checks a request for the machine `offboard-subscriber`.
 * @throws InvalidRequest naming the field and the rule; never quoting a value
 */
export function checkOffboardingRequest(request: unknown): { userName: string; keepData: boolean } {
  const { subscriber, confirm, keepData } = parseFields(offboardingSchema, request);
  if (confirm !== subscriber.userName) {
    throw new InvalidRequest('confirm', 'must repeat subscriber.userName, as nothing brings back what is deleted');
  }
  return { userName: subscriber.userName, keepData };
}
