import { createHash, randomBytes } from 'node:crypto';
import { roleIdentity } from '../aws/arns.ts';

/**
 * A name for an execution that is started through the API, and for the secret with its password: the subscriber, so that people
 * find it, and what makes it unique. At most 51 letters, digits and hyphens.
 */
export function apiExecutionName(userName: string, now: Date): string {
  return `${userName}-${now.getTime().toString(36)}${randomBytes(4).toString('hex')}`;
}

/** The subscriber that a name of that form is of; undefined for another one: what people name themselves is theirs. */
export function subscriberOfApiExecution(name: string): string | undefined {
  return /^(?<userName>[A-Za-z][A-Za-z0-9-]*)-[0-9a-z]{8}[0-9a-f]{8}$/.exec(name)?.groups?.userName;
}

/**
 * The one name of what a caller asks for by an idempotency key: a caller who sends it again finds the execution by it. It does not depend on what is
 * asked, so that the same key for something else is noticed.
 * @param caller an ARN. All sessions of a role are one caller: a pipeline that sends a request again has another session.
 * @param route such as `POST /subscribers`
 */
export function keyedExecutionName({ caller, route, key }: { caller: string; route: string; key: string }): string {
  const asked = JSON.stringify([roleIdentity(caller) ?? caller, route, key]);
  return `key-${createHash('sha256').update(asked).digest('hex').slice(0, 40)}`;
}

/** Whether a name is of the form that keyedExecutionName makes, which is none of apiExecutionName's. */
export const isKeyedExecutionName = (name: string) => /^key-[0-9a-f]{40}$/.test(name);
