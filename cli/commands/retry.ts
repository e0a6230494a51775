import { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { describeExecution } from '../../lib/aws/describe-execution.ts';
import { parseJson } from '../../lib/json.ts';
import { requestOf } from '../../lib/plans/origin.ts';
import { operationOf } from '../../lib/subscribers/operations.ts';
import { answer } from '../aws/answer.ts';
import { getSubscriber } from '../aws/functions.ts';
import type { Outcome } from '../command.ts';
import { CommandError } from '../command-error.ts';
import type { Session } from '../session.ts';
import { configurationOf, findDeployment } from '../target/deployment.ts';
import { sendTo } from './send.ts';

const requestSchema = v.record(v.string(), v.unknown());

/**
 * Sends the request of a subscriber's latest attempt again.
 * @throws CommandError named InvalidRequest when it runs or has succeeded, and ExecutionDoesNotExist when Step Functions no
 * longer has the request
 */
export async function retry(
  {
    words: [userName = ''],
    options: { diff = false },
  }: { words: readonly string[]; options: { diff?: boolean | undefined } },
  session: Session,
): Promise<Outcome> {
  const target = await session.reach();
  const deployment = await findDeployment(target);
  const { executionArn, error } = await getSubscriber(userName, { target, deployment });
  const operation = operationOf(executionArn);
  if (error === undefined) throw notFailed(userName, operation);
  const client = new SFNClient(configurationOf(target));
  const execution = await answer('Step Functions', describeExecution(client, executionArn), target);
  client.destroy();
  if (execution === undefined) {
    throw new CommandError(
      'ExecutionDoesNotExist',
      'Step Functions no longer has the request: the execution ended more than 90 days ago',
      'Send the request again from its file: it continues from what exists.',
    );
  }
  // Who asks now is somebody else.
  const request = v.parse(requestSchema, requestOf(parseJson(execution.input ?? '')));
  return sendTo({ target, deployment }, { operation, request, diff }, session);
}

/** That there is nothing to repeat. */
export function notFailed(userName: string, operation: string): CommandError {
  return new CommandError(
    'InvalidRequest',
    `The latest attempt of ${userName}, ${operation}, has not failed`,
    'A request that was rejected in its first step is not recorded as an attempt: correct its file and send that again.',
  );
}
