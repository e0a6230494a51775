import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { InvalidRequest } from '../../lib/errors.ts';
import { type Fault, fault } from '../../lib/faults.ts';
import { parseWhole } from '../../lib/parse.ts';
import { faultsOf } from '../../lib/refusals.ts';
import { apiPasswordSecretId } from '../../lib/requests/api-password.ts';
import { requestRules } from '../../lib/requests/environment.ts';
import { parseRequest } from '../../lib/requests/onboarding.ts';
import { executionInput } from '../../lib/requests/start-execution.ts';
import { createOnce } from '../../lib/secrets/secrets.ts';
import type { Sending } from '../../lib/subscribers/send-request.ts';
import type { Environment } from './environment.ts';
import { passwordSchema } from './password.ts';

interface Dependencies {
  environment: Environment;
  secrets: SecretsManagerClient;
}

/** What the parser found of a request: what to send, and the password that it holds. */
type Asked = Pick<Sending, 'operation' | 'userName' | 'request' | 'withheld'>;

/**
 * Checks a request for an onboarding. Unlike an execution's input, the request may hold a password: it goes into a secret of the execution before
 * that starts, and the machine gets the reference, which no request may have itself.
 * @param otherFaults what is wrong beside the body
 * @throws InvalidRequest naming each field and rule
 */
export function onboardingAsked(
  body: unknown,
  otherFaults: readonly Fault[],
  { environment, secrets }: Dependencies,
): Asked {
  const { password, request, faults } = takePassword(body);
  const rules = requestRules(environment, environment.ACCOUNT_REGIONS, environment.STATE_MACHINE_ARN);
  const allOthers = [...faults, ...otherFaults, ...faultsOf(() => executionInput(request))];
  const { userName } = parseRequest(request, rules, allOthers).subscriber;
  const withheld = (executionName: string) => {
    const passwordSecretId = apiPasswordSecretId(rules.inputSecretPrefix, userName, executionName);
    const secret = { secretId: passwordSecretId, keyArn: environment.KMS_KEY_ARN };
    return { reference: { passwordSecretId }, store: () => createOnce(secrets, secret, { password }) };
  };
  return {
    operation: 'onboard-subscriber',
    userName,
    request,
    ...(password !== undefined && { withheld }),
  };
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
