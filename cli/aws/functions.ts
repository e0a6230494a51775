import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import * as v from 'valibot';
import { CommandError } from '../command-error.ts';
import { configurationOf, type Deployment } from '../target/deployment.ts';
import type { Reachable } from '../target/target.ts';
import { answer } from './answer.ts';
import { type SubscriberStatus, statusSchema } from './subscriber-status.ts';

const responseSchema = v.object({ statusCode: v.number(), body: v.pipe(v.string(), v.parseJson()) });
/** Problem details (RFC 9457), with members of our own. */
const problemSchema = v.object({
  name: v.string(),
  detail: v.string(),
  remedy: v.string(),
  errors: v.optional(
    v.array(
      v.object({
        pointer: v.optional(v.string()),
        field: v.optional(v.string()),
        detail: v.string(),
        name: v.optional(v.string()),
        remedy: v.optional(v.string()),
      }),
    ),
  ),
});

/** What a function behind the HTTP API is asked. */
export interface ApiRequest {
  pathParameters?: Readonly<Record<string, string>>;
  queryStringParameters?: Readonly<Record<string, string>>;
  body?: unknown;
}

/**
 * Asks a function behind the HTTP API, as the API does.
 * @param name that of the function's folder
 * @returns the body of a successful answer
 * @throws CommandError named as the function's refusal; named FunctionFailed when it has none; as `answer` throws
 */
export async function askFunction(
  name: string,
  { body, ...request }: ApiRequest,
  { target, deployment }: { target: Reachable; deployment: Deployment },
): Promise<unknown> {
  const FunctionName = deployment.functionName(name);
  const event = { version: '2.0', ...request, ...(body !== undefined && { body: JSON.stringify(body) }) };
  const client = new LambdaClient(configurationOf(target));
  try {
    const command = new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) });
    const invocation = await answer('Lambda', client.send(command), target);
    const payload = invocation.Payload?.transformToString() ?? '';
    if (invocation.FunctionError !== undefined) {
      throw new CommandError(
        'FunctionFailed',
        `The function ${FunctionName} failed`,
        'Read its log, and run the command again.',
        name,
      );
    }
    const response = v.parse(v.pipe(v.string(), v.parseJson(), responseSchema), payload);
    if (response.statusCode < 300) return response.body;
    const { name: problem, detail, remedy, errors } = v.parse(problemSchema, response.body);
    const faults = errors?.map(({ detail: rule, ...fault }) => ({ ...fault, rule }));
    throw new CommandError(problem, detail, remedy, null, faults);
  } finally {
    client.destroy();
  }
}

/**
 * How a subscriber stands.
 * @throws CommandError named SubscriberNotFound for one that the deployment does not know
 */
export async function getSubscriber(
  userName: string,
  at: { target: Reachable; deployment: Deployment },
): Promise<SubscriberStatus> {
  return v.parse(statusSchema, await askFunction('get-subscriber', { pathParameters: { userName } }, at));
}

/** The keys that a subscriber's role may use, as far as the deployment knows; none of an unknown subscriber. */
export async function knownKeyArns(
  userName: string,
  at: { target: Reachable; deployment: Deployment },
): Promise<string[]> {
  try {
    return (await getSubscriber(userName, at)).keyArns ?? [];
  } catch (error) {
    if (error instanceof CommandError && error.name === 'SubscriberNotFound') return [];
    throw error;
  }
}
