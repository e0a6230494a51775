import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { answer } from '../aws/answer.ts';
import { configurationOf } from '../target/deployment.ts';
import type { Reachable } from '../target/target.ts';
import { type Finding, findingOf, ok } from './finding.ts';

/** Whose credentials these are. The call needs no permission (STS API reference, GetCallerIdentity). */
export async function checkCredentials(target: Reachable): Promise<Finding> {
  const client = new STSClient(configurationOf(target));
  try {
    const { Arn = 'unknown' } = await answer('STS', client.send(new GetCallerIdentityCommand({})), target);
    return ok('credentials', Arn);
  } catch (error) {
    return findingOf('credentials', 'sts:GetCallerIdentity', error);
  } finally {
    client.destroy();
  }
}
