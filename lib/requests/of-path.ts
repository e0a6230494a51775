import * as v from 'valibot';
import { InvalidRequest } from '../errors.ts';
import { type Fault, fault } from '../faults.ts';
import { faultsOf, refuse } from '../refusals.ts';
import { parseParameters, userNameSchema } from './fields.ts';
import { executionInput } from './start-execution.ts';

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const pathSchema = v.object({ userName: userNameSchema });

/** The subscriber of a path. @throws InvalidRequest for what is no name of one */
export const userNameOfPath = (path: Readonly<Record<string, string>>): string =>
  parseParameters(pathSchema, path).userName;

/**
 * Checks a request whose subscriber stands in the path: the body may be the request of the machine as it is, or leave `subscriber.userName` out.
 * @param check refuses what is wrong with the machine's request
 * @param otherFaults what is wrong beside that
 * @returns the machine's request
 * @throws InvalidRequest naming each field and rule
 */
export function requestOfPath(
  path: Readonly<Record<string, string>>,
  body: unknown,
  { check, otherFaults }: { check: (request: object) => unknown; otherFaults: readonly Fault[] },
): { userName: string; request: object } {
  if (!isObject(body)) throw new InvalidRequest([fault([], 'must be an object'), ...otherFaults]);
  const { userName = '' } = path;
  const { subscriber = {} } = body;
  const named = isObject(subscriber) && Object.hasOwn(subscriber, 'userName') ? subscriber.userName : userName;
  const request = isObject(subscriber) ? { ...body, subscriber: { ...subscriber, userName: named } } : body;
  const isOther = typeof named === 'string' && named.toLowerCase() !== userName.toLowerCase();
  refuse([
    ...faultsOf(() => userNameOfPath(path)),
    ...(isOther ? [fault(['subscriber', 'userName'], 'must be the one of the path, or be left out')] : []),
    ...faultsOf(() => check(request)),
    ...faultsOf(() => executionInput(request)),
    ...otherFaults,
  ]);
  return { userName, request };
}
