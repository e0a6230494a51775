import { randomBytes } from 'node:crypto';

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
