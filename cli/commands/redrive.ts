import { RedriveExecutionCommand } from '@aws-sdk/client-sfn';
import { operationOf } from '../../lib/subscribers/operations.ts';
import { answer } from '../aws/answer.ts';
import { connect } from '../aws/executions.ts';
import { getSubscriber } from '../aws/functions.ts';
import type { Outcome } from '../command.ts';
import { CommandError } from '../command-error.ts';
import type { Session } from '../session.ts';
import { findDeployment } from '../target/deployment.ts';
import { nextStepFor } from '../view/next-step.ts';
import { notFailed } from './retry.ts';
import { followShowing } from './send.ts';

/**
 * Redrives the execution of a subscriber's latest attempt, and follows it to its end.
 * @throws CommandError named InvalidRequest when it has not failed, or failed with an error that no redrive goes on after
 */
export async function redrive(
  {
    words: [userName = ''],
    options: { diff = false },
  }: { words: readonly string[]; options: { diff?: boolean | undefined } },
  session: Session,
): Promise<Outcome> {
  const target = await session.reach();
  const deployment = await findDeployment(target);
  const { executionArn, error, keyArns = [] } = await getSubscriber(userName, { target, deployment });
  const operation = operationOf(executionArn);
  if (error === undefined) throw notFailed(userName, operation);
  const next = nextStepFor(error.name, error.step);
  if (next !== 'redrive') {
    throw new CommandError(
      'InvalidRequest',
      `A redrive would fail again with ${error.name}`,
      next === 'retry'
        ? `Run \`${session.command(`retry ${userName}`)}\` when this is done: ${error.remedy}`
        : error.remedy,
    );
  }
  const clients = connect(target);
  const begin = async () => {
    await answer('Step Functions', clients.sfn.send(new RedriveExecutionCommand({ executionArn })), target);
    return executionArn;
  };
  try {
    return await followShowing({ clients, target, begin, keyArns }, { operation, userName, diff }, session);
  } finally {
    clients.sfn.destroy();
    clients.kms.destroy();
  }
}
