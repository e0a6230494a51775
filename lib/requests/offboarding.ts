import * as v from 'valibot';
import { fault } from '../faults.ts';
import { fields, object, parseFields, userNameSchema } from './fields.ts';

/** A request for the machine `offboard-subscriber`, in itself. */
export const offboardingSchema = object(
  fields({
    subscriber: object(fields({ userName: userNameSchema })),
    confirm: v.string('must be a string'),
    keepData: v.optional(v.boolean('must be true or false'), true),
  }),
);

/**
 * Checks a request for the machine `offboard-subscriber`.
 * @throws InvalidRequest naming each field and rule; never quoting a value
 */
export function checkOffboardingRequest(request: unknown): { userName: string; keepData: boolean } {
  const { subscriber, keepData } = parseFields(offboardingSchema, request, (part) => {
    const userName = part(['subscriber', 'userName'], userNameSchema);
    const confirm = part(['confirm'], v.string());
    const isMissing = userName === undefined || confirm === undefined;
    return isMissing || confirm === userName
      ? []
      : [fault(['confirm'], 'must repeat subscriber.userName, as nothing brings back what is deleted')];
  });
  return { userName: subscriber.userName, keepData };
}
