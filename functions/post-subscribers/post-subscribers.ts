import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { InvalidRequest } from '../../lib/errors.ts';
import { parse } from '../../lib/parse.ts';
import { apiPasswordSecretId } from '../../lib/requests/api-password.ts';
import { requestRules } from '../../lib/requests/environment.ts';
import { apiExecutionName } from '../../lib/requests/execution-name.ts';
import { parseRequest } from '../../lib/requests/onboarding.ts';
import { executionInput, startOnboarding } from '../../lib/requests/start-execution.ts';
import { createSecret } from '../../lib/secrets/secrets.ts';
import type { Environment } from './environment.ts';

/** Cognito's longest password (Cognito developer guide, quotas); what else a pool asks for is not known here. */
const passwordSchema = v.pipe(
  v.string('must be a string'),
  v.nonEmpty('must not be empty'),
  v.maxLength(256, 'must be at most 256 characters'),
);

interface Dependencies {
  environment: Environment;
  stepFunctions: SFNClient;
  secrets: SecretsManagerClient;
  now: Date;
}

export interface Accepted {
  userName: string;
  executionName: string;
  executionArn: string;
}

/**
 * Starts the onboarding that a request asks for. Unlike an execution's input, the request may hold a password: it goes into
 * a secret of this execution before anything starts, and the machine gets the reference, which no request may have itself.
 * @throws InvalidRequest before any side effect
 */
export async function postSubscribers(
  body: unknown,
  { environment, stepFunctions, secrets, now }: Dependencies,
): Promise<Accepted> {
  const { password, request } = takePassword(body);
  const rules = requestRules(environment, environment.ACCOUNT_REGIONS, environment.STATE_MACHINE_ARN);
  const { userName } = parseRequest(request, rules).subscriber;
  const executionName = apiExecutionName(userName, now);
  const passwordSecretId = apiPasswordSecretId(rules.inputSecretPrefix, userName, executionName);
  const input = executionInput(password === undefined ? request : { ...request, passwordSecretId });
  if (password !== undefined) await createSecret(secrets, passwordSecretId, { password });
  const executionArn = await startOnboarding(stepFunctions, {
    stateMachineArn: environment.STATE_MACHINE_ARN,
    name: executionName,
    input,
  });
  return { userName, executionName, executionArn };
}

/** Takes the password out of a request. What is no object is left for the request's own rules to refuse. */
function takePassword(body: unknown): { password: string | undefined; request: object } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new InvalidRequest('request', 'must be an object');
  }
  const isOf = (name: string, holder: unknown) =>
    typeof holder === 'object' && holder !== null && Object.hasOwn(holder, name);
  if ('subscriber' in body && isOf('password', body.subscriber)) {
    throw new InvalidRequest('subscriber.password', 'must stand beside subscriber, as password');
  }
  if (!('password' in body)) return { password: undefined, request: body };
  const { password, ...request } = body;
  if (isOf('passwordSecretId', request)) {
    throw new InvalidRequest('password', 'must not be given together with passwordSecretId');
  }
  return { password: parse(passwordSchema, password, (_, rule) => new InvalidRequest('password', rule)), request };
}
