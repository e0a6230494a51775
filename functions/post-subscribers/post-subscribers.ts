import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { InvalidRequest } from '../../lib/errors.ts';
import { type Fault, fault } from '../../lib/faults.ts';
import { parseWhole } from '../../lib/parse.ts';
import { faultsOf } from '../../lib/refusals.ts';
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
 * @throws InvalidRequest naming each field and rule, before any side effect
 */
export async function postSubscribers(
  body: unknown,
  { environment, stepFunctions, secrets, now }: Dependencies,
): Promise<Accepted> {
  const { password, request, faults } = takePassword(body);
  const rules = requestRules(environment, environment.ACCOUNT_REGIONS, environment.STATE_MACHINE_ARN);
  const otherFaults = [...faults, ...faultsOf(() => executionInput(request))];
  const { userName } = parseRequest(request, rules, otherFaults).subscriber;
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

/** Takes the passwords out of a request, and finds what is wrong with them. What else is no object is left for the request's own rules to refuse. */
function takePassword(body: unknown): { password: string | undefined; request: object; faults: Fault[] } {
  if (!isObject(body)) throw new InvalidRequest('request', 'must be an object');
  const { subscriber } = body;
  const isWithin = isObject(subscriber) && Object.hasOwn(subscriber, 'password');
  const request = {
    ...without(body, 'password'),
    ...(isWithin && { subscriber: without(subscriber, 'password') }),
  };
  const misplaced = isWithin ? [fault(['subscriber', 'password'], 'must stand beside subscriber, as password')] : [];
  if (!Object.hasOwn(body, 'password')) return { password: undefined, request, faults: misplaced };
  const twice = Object.hasOwn(request, 'passwordSecretId')
    ? [fault(['password'], 'must not be given together with passwordSecretId')]
    : [];
  const parsed = parseWhole(v.object({ password: passwordSchema }), { password: body.password });
  const faults = [...misplaced, ...twice, ...('faults' in parsed ? parsed.faults : [])];
  return { password: 'output' in parsed ? parsed.output.password : undefined, request, faults };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function without(value: Readonly<Record<string, unknown>>, name: string): Record<string, unknown> {
  const { [name]: _, ...rest } = value;
  return rest;
}
