import {
  DeleteSecretCommand,
  InvalidRequestException,
  paginateListSecrets,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { DescribeExecutionOutput, SFNClient } from '@aws-sdk/client-sfn';
import { executionArnOf } from '../../lib/aws/arns.ts';
import { describeExecution } from '../../lib/aws/describe-execution.ts';
import { problemsOfEach, throwTogether } from '../../lib/each.ts';
import { executionOfApiPassword } from '../../lib/requests/api-password.ts';

const hour = 60 * 60_000;
const day = 24 * hour;

interface Dependencies {
  secrets: SecretsManagerClient;
  stepFunctions: SFNClient;
  stateMachineArn: string;
  /** Where the secrets for requests are, among them those that post-subscribers makes. */
  inputPrefix: string;
  now: Date;
}

/**
 * Deletes the passwords that came through the API once their execution can need them no more: what InfinStor has accepted stands
 * in the subscriber's credentials. Each can still be restored for seven days.
 * @throws AggregateError of what went wrong with single passwords, when all have been looked at
 */
export async function sweepPasswords({
  secrets,
  stepFunctions,
  stateMachineArn,
  inputPrefix,
  now,
}: Dependencies): Promise<void> {
  const problems = await problemsOfEach(
    passwordsBelow(inputPrefix, secrets),
    async ({ name, executionName, createdAt = now }) => {
      const execution = await describeExecution(stepFunctions, executionArnOf(stateMachineArn, executionName));
      if (mayBeNeeded(execution, createdAt, now)) return;
      await unlessGone(secrets.send(new DeleteSecretCommand({ SecretId: name, RecoveryWindowInDays: 7 })));
    },
  );
  throwTogether(problems, 'passwords could not be swept');
}

async function* passwordsBelow(
  inputPrefix: string,
  secrets: SecretsManagerClient,
): AsyncGenerator<{ name: string; executionName: string; createdAt: Date | undefined }> {
  const pages = paginateListSecrets({ client: secrets }, { Filters: [{ Key: 'name', Values: [inputPrefix] }] });
  for await (const { SecretList = [] } of pages) {
    for (const { Name: name = '', CreatedDate: createdAt } of SecretList) {
      // What is deleted must not depend on how a filter matches, and what people put there is theirs.
      const executionName = executionOfApiPassword(inputPrefix, name);
      if (executionName !== undefined) yield { name, executionName, createdAt };
    }
  }
}

/** The list may be five minutes old, and name what is deleted already. */
async function unlessGone(deletion: Promise<unknown>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    const isGone = error instanceof InvalidRequestException || error instanceof ResourceNotFoundException;
    if (!isGone) throw error;
  }
}

function mayBeNeeded(execution: DescribeExecutionOutput | undefined, created: Date, now: Date): boolean {
  switch (execution?.status) {
    case undefined:
      // The execution is started after its password is stored; where that failed, it never will be.
      return now.getTime() - created.getTime() < hour;
    case 'SUCCEEDED':
      return false;
    case 'RUNNING':
    case 'PENDING_REDRIVE':
      return true;
    case 'FAILED':
    case 'TIMED_OUT':
    case 'ABORTED':
      // It can be redriven for 14 days (Step Functions developer guide, "Redriving executions").
      return now.getTime() - (execution.stopDate ?? now).getTime() < 14 * day;
  }
}
