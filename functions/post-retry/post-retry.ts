import type { DescribeExecutionOutput } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { ApiProblem } from '../../lib/api-problem.ts';
import { executionNameOf } from '../../lib/aws/arns.ts';
import { parseJson } from '../../lib/json.ts';
import { requestOf } from '../../lib/plans/origin.ts';
import { isOfApi } from '../../lib/requests/api-password.ts';
import { requireEnded } from '../../lib/subscribers/claim.ts';
import { operationOf } from '../../lib/subscribers/operations.ts';
import { readRecord } from '../../lib/subscribers/record.ts';
import {
  type Call,
  keyedNameOf,
  type SendDependencies,
  type Sent,
  sendRequest,
  sentAs,
} from '../../lib/subscribers/send-request.ts';

const requestSchema = v.looseObject({ passwordSecretId: v.optional(v.unknown()) });

/**
 * Sends the request of a subscriber's latest attempt again, if that has failed.
 * @param inputSecretPrefix where the secrets of requests are
 * @throws OnboardingInProgress while it runs, or another execution works on the subscriber
 * @throws ApiProblem SubscriberNotFound, NothingToRetry, IdempotencyKeyReused
 */
export async function retryLatest(
  call: Call & { userName: string },
  { inputSecretPrefix, ...dependencies }: SendDependencies & { inputSecretPrefix: string },
): Promise<Sent> {
  const { userName } = call;
  const record = await readRecord(dependencies.registry, userName);
  if (record === undefined) throw notFound(userName);
  const keyedName = keyedNameOf(call);
  const isOwn = ({ executionArn }: { executionArn: string }) => executionNameOf(executionArn) === keyedName;
  const earlier = record.attempts.findLast(isOwn);
  if (earlier !== undefined) return sentAs(record.userName, earlier.executionArn);
  const latest = await requireEnded(dependencies.stepFunctions, record);
  const operation = operationOf(record.executionArn);
  const request = failedRequest(latest, userName, inputSecretPrefix);
  return sendRequest({ ...call, operation, userName: record.userName, request, isEnded: true }, dependencies);
}

function failedRequest(
  execution: DescribeExecutionOutput | undefined,
  userName: string,
  inputSecretPrefix: string,
): object {
  if (execution === undefined) {
    throw nothing(
      'Step Functions no longer has the request: the execution ended more than 90 days ago',
      'Send the request again whole: it continues from what exists.',
    );
  }
  if (execution.status === 'SUCCEEDED') {
    throw nothing(
      `The latest attempt of ${userName} has not failed`,
      'A request that was refused in its first step is not recorded as an attempt: correct it and send it again.',
    );
  }
  const parsed = v.safeParse(requestSchema, requestOf(parseJson(execution.input ?? '')));
  const { passwordSecretId } = parsed.success ? parsed.output : {};
  if (
    !parsed.success ||
    (typeof passwordSecretId === 'string' && isOfApi(inputSecretPrefix, userName, passwordSecretId))
  ) {
    throw nothing(
      'The request held a password, which was stored for its own execution alone',
      'Redrive that execution, or send the request again with the password.',
    );
  }
  return parsed.output;
}

const nothing = (message: string, remedy: string) => new ApiProblem('NothingToRetry', message, remedy);

const notFound = (userName: string) =>
  new ApiProblem(
    'SubscriberNotFound',
    `No onboarding of ${userName} is recorded`,
    'Check the name. A request that was refused in its first step is not recorded: correct it and send it again.',
  );
