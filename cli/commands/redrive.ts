import { RedriveExecutionCommand } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { describeExecution } from '../../lib/aws/describe-execution.ts';
import { remedyFor } from '../../lib/errors.ts';
import { type Operation, operationOf } from '../../lib/subscribers/operations.ts';
import { answer } from '../aws/answer.ts';
import { type Clients, connect } from '../aws/executions.ts';
import { getSubscriber } from '../aws/functions.ts';
import type { Outcome } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { keyArnsOf, userNameOf } from '../request.ts';
import type { Session } from '../session.ts';
import { findDeployment } from '../target/deployment.ts';
import type { Reachable } from '../target/target.ts';
import { nextStepFor } from '../view/next-step.ts';
import { finalStatus } from '../view/report.ts';
import { notFailed } from './retry.ts';
import { followShowing } from './send.ts';

/** An execution that has failed. */
interface Failed {
  executionArn: string;
  operation: Operation;
  userName: string | undefined;
  error: { name: string; step?: string | undefined; remedy: string };
  keyArns: readonly string[];
}

/**
 * Redrives the execution of a subscriber's latest attempt, or one that is named itself, and follows it to its end.
 * @throws CommandError named InvalidRequest when it has not failed, or failed with an error that no redrive goes on after; named
 * ExecutionDoesNotExist for one that Step Functions does not know
 */
export async function redrive(
  {
    words: [named = ''],
    options: { diff = false },
  }: { words: readonly string[]; options: { diff?: boolean | undefined } },
  session: Session,
): Promise<Outcome> {
  const target = await session.reach();
  const clients = connect(target);
  try {
    const failed = named.startsWith('arn:')
      ? await failedExecution(named, clients)
      : await failedAttempt(named, target);
    const { executionArn, operation, userName, keyArns } = failed;
    refuseInVain(failed, session);
    const begin = async () => {
      await answer('Step Functions', clients.sfn.send(new RedriveExecutionCommand({ executionArn })), target);
      return executionArn;
    };
    return await followShowing({ clients, begin, keyArns }, { operation, userName, diff }, session);
  } finally {
    clients.sfn.destroy();
    clients.kms.destroy();
  }
}

async function failedAttempt(userName: string, target: Reachable): Promise<Failed> {
  const at = { target, deployment: await findDeployment(target) };
  const { executionArn, error, keyArns = [] } = await getSubscriber(userName, at);
  const operation = operationOf(executionArn);
  if (error === undefined) throw notFailed(userName, operation);
  return { executionArn, operation, userName, error, keyArns };
}

const requestSchema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown()));

async function failedExecution(executionArn: string, { sfn, target }: Clients): Promise<Failed> {
  const execution = await answer('Step Functions', describeExecution(sfn, executionArn), target);
  if (execution === undefined) {
    throw new CommandError(
      'ExecutionDoesNotExist',
      `Step Functions has no execution ${executionArn}`,
      'Check the ARN; an execution is gone 90 days after its end.',
    );
  }
  const operation = operationOf(executionArn);
  const request = v.parse(requestSchema, execution.input);
  const userName = userNameOf(request);
  const status = finalStatus(execution);
  if (status === undefined || status === 'SUCCEEDED') throw notFailed(userName ?? 'the execution', operation);
  const name = execution.error ?? status;
  return {
    executionArn,
    operation,
    userName,
    error: { name, remedy: remedyFor(name) },
    keyArns: keyArnsOf(request),
  };
}

function refuseInVain({ error: { name, step, remedy }, userName }: Failed, session: Session): void {
  const next = nextStepFor(name, step);
  if (next === 'redrive') return;
  throw new CommandError(
    'InvalidRequest',
    `A redrive would fail again with ${name}`,
    next === 'retry' && userName !== undefined
      ? `Run \`${session.command(`retry ${userName}`)}\` when this is done: ${remedy}`
      : remedy,
  );
}
