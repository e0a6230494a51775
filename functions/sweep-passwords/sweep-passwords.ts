import { createHash } from 'node:crypto';
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
import { type Pace, paced } from '../../lib/pace.ts';
import { executionOfApiPassword } from '../../lib/requests/api-password.ts';

const hour = 60 * 60_000;
const day = 24 * hour;

/** How often DescribeExecution is called: of the 15 a second that an account has, most are for others (docs/decisions/0057-slices.md). */
const pace: Pace = { perSecond: 2, burst: 20 };
/** How many passwords a run looks at: as many as that allows in its time. */
const atMost = 400;

interface Dependencies {
  secrets: SecretsManagerClient;
  stepFunctions: SFNClient;
  stateMachineArn: string;
  /** Where the secrets for requests are, among them those that post-subscribers makes. */
  inputPrefix: string;
  now: Date;
  /** Resolves when an execution may be described; default: at the pace of the sweep. */
  turn?(): Promise<void>;
}

interface Password {
  name: string;
  executionName: string;
  createdAt: Date | undefined;
}

/**
 * Deletes the passwords that came through the API once their execution can need them no more: what InfinStor has accepted stands
 * in the subscriber's credentials. Each can still be restored for seven days. Of more than a run looks at, each has its turn in one of the runs that follow.
 * @throws AggregateError of what went wrong with single passwords, when all have been looked at
 */
export async function sweepPasswords({
  secrets,
  stepFunctions,
  stateMachineArn,
  inputPrefix,
  now,
  turn = paced(pace),
}: Dependencies): Promise<void> {
  const passwords: Password[] = [];
  for await (const password of passwordsBelow(inputPrefix, secrets)) passwords.push(password);
  const problems = await problemsOfEach(dueNow(passwords, now), async ({ name, executionName, createdAt = now }) => {
    await turn();
    const execution = await describeExecution(stepFunctions, executionArnOf(stateMachineArn, executionName));
    if (mayBeNeeded(execution, createdAt, now)) return;
    await unlessGone(secrets.send(new DeleteSecretCommand({ SecretId: name, RecoveryWindowInDays: 7 })));
  });
  throwTogether(problems, 'passwords could not be swept');
}

/** Those whose turn it is this hour, by their names and the clock alone: nothing has to be kept from one run to the next. */
export function dueNow<Password extends { name: string }>(
  passwords: readonly Password[],
  now: Date,
): readonly Password[] {
  const slices = Math.max(1, Math.ceil(passwords.length / atMost));
  const slice = Math.floor(now.getTime() / hour) % slices;
  const sliceOf = (name: string) => createHash('sha256').update(name).digest().readUInt32BE() % slices;
  return passwords.filter(({ name }) => sliceOf(name) === slice);
}

async function* passwordsBelow(inputPrefix: string, secrets: SecretsManagerClient): AsyncGenerator<Password> {
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
