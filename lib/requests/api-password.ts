import { subscriberInputPrefix } from '../secrets/names.ts';
import { isKeyedExecutionName, subscriberOfApiExecution } from './execution-name.ts';

// The passwords that requests to the HTTP API hold: `input/<userName in lower case>/api/<execution name>`. Up to 0.1.0: `input/api/<execution name>`.

/** Where a subscriber's passwords from the HTTP API lie, with the slash at the end. */
const apiPrefix = (inputPrefix: string, userName: string) => `${subscriberInputPrefix(inputPrefix, userName)}api/`;

/** The secret with the password that the HTTP API has taken for an execution. */
export const apiPasswordSecretId = (inputPrefix: string, userName: string, executionName: string) =>
  `${apiPrefix(inputPrefix, userName)}${executionName}`;

/** The execution that a secret below `input/` is for; undefined when the HTTP API has not written it. */
export function executionOfApiPassword(inputPrefix: string, secretId: string): string | undefined {
  if (!secretId.startsWith(inputPrefix)) return undefined;
  const { folder, executionName = '' } =
    /^(?:(?<folder>[^/]+)\/)?api\/(?<executionName>[^/]+)$/.exec(secretId.slice(inputPrefix.length))?.groups ?? {};
  // Such a name says nothing of the subscriber; the folder does.
  if (folder !== undefined && isKeyedExecutionName(executionName)) return executionName;
  const userName = subscriberOfApiExecution(executionName)?.toLowerCase();
  if (userName === undefined) return undefined;
  return folder === undefined || folder === userName ? executionName : undefined;
}

/** Whether a secret has the password that the HTTP API has taken for this execution of a subscriber. */
export function isApiPasswordOf(
  inputPrefix: string,
  { userName, executionName }: { userName: string; executionName: string },
  secretId: string,
): boolean {
  if (isKeyedExecutionName(executionName))
    return secretId === apiPasswordSecretId(inputPrefix, userName, executionName);
  // Who starts an execution may choose its name: the password must be this subscriber's by that, too.
  const isOwnName = subscriberOfApiExecution(executionName)?.toLowerCase() === userName.toLowerCase();
  const own = [apiPasswordSecretId(inputPrefix, userName, executionName), `${inputPrefix}api/${executionName}`];
  return isOwnName && own.includes(secretId);
}

/**
 * Whether a secret is the HTTP API's to write and to delete. A subscriber may be named `api`: in its folder are the passwords that releases up to
 * 0.1.0 stored of anybody.
 */
export function isOfApi(inputPrefix: string, userName: string, secretId: string): boolean {
  return (
    secretId.startsWith(apiPrefix(inputPrefix, userName)) || executionOfApiPassword(inputPrefix, secretId) !== undefined
  );
}
