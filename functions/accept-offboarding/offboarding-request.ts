import * as v from 'valibot';
import { InvalidRequest } from '../shared/errors.ts';
import { object, refusePlaintextPassword, userNameSchema } from '../shared/request.ts';
import { parse } from '../shared/step.ts';

const requestSchema = object(
  v.strictObject({
    subscriber: object(v.strictObject({ userName: userNameSchema })),
    confirm: v.string('must be a string'),
    keepData: v.optional(v.boolean('must be true or false'), true),
  }),
);

/**
 * Parses a request to offboard a subscriber.
 * @throws InvalidRequest naming the field and the rule; never quoting a value
 */
export function parseOffboarding(request: unknown): { userName: string; keepData: boolean } {
  refusePlaintextPassword(request);
  const { subscriber, confirm, keepData } = parse(
    requestSchema,
    request,
    (field, rule) => new InvalidRequest(field === '(root)' ? 'request' : field, rule),
  );
  if (confirm !== subscriber.userName) {
    throw new InvalidRequest('confirm', 'must repeat subscriber.userName, as nothing brings back what is deleted');
  }
  return { userName: subscriber.userName, keepData };
}
