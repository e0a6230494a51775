import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, PutCommand, paginateScan } from '@aws-sdk/lib-dynamodb';
import { answer } from '../aws/answer.ts';
import { configurationOf, type Deployment } from '../target/deployment.ts';
import type { Reachable } from '../target/target.ts';
import type { Change } from './changes.ts';

/** The registry of a deployment, with the credentials of who runs the command. */
export function registryAt(target: Reachable, { registryTable: TableName }: Pick<Deployment, 'registryTable'>) {
  const documents = DynamoDBDocumentClient.from(new DynamoDBClient(configurationOf(target)));
  return {
    /** Every item. @throws CommandError as `answer` throws */
    async items(): Promise<unknown[]> {
      const items: unknown[] = [];
      const read = async () => {
        const pages = paginateScan({ client: documents }, { TableName, ConsistentRead: true });
        for await (const { Items = [] } of pages) items.push(...Items);
      };
      await answer('DynamoDB', read(), target);
      return items;
    },
    /**
     * Writes an item, provided that the registry still has what was read.
     * @returns false when somebody has written it since
     * @throws CommandError as `answer` throws
     */
    async write({ item, previous }: Change): Promise<boolean> {
      // Every write of an item changes one of its texts or numbers.
      const isPlain = (name: string) => previous?.[name] !== undefined && typeof previous[name] !== 'object';
      const names = previous === undefined ? ['pk'] : Object.keys(previous).filter(isPlain);
      const put = documents.send(
        new PutCommand({
          TableName,
          Item: item,
          ConditionExpression: names
            .map((_, place) => (previous === undefined ? 'attribute_not_exists(#0)' : `#${place} = :${place}`))
            .join(' AND '),
          ExpressionAttributeNames: Object.fromEntries(names.map((name, place) => [`#${place}`, name])),
          ...(previous !== undefined && {
            ExpressionAttributeValues: Object.fromEntries(names.map((name, place) => [`:${place}`, previous[name]])),
          }),
        }),
      );
      const written = put.then(
        () => true,
        (error: unknown) => {
          if (error instanceof ConditionalCheckFailedException) return false;
          throw error;
        },
      );
      return answer('DynamoDB', written, target);
    },
  };
}

/**
 * The executions of a deployment that run, at most a few of each state machine, and when the latest of all was started: an execution is superseded by
 * what was started after it, as Step Functions has the times.
 * @throws CommandError as `answer` throws
 */
export async function executionsOf(
  target: Reachable,
  { machines, operations }: Pick<Deployment, 'machines' | 'operations'>,
): Promise<{ running: string[]; latestStart: Date | undefined }> {
  const client = new SFNClient(configurationOf(target));
  const running: string[] = [];
  let latestStart: Date | undefined;
  for (const operation of operations) {
    const stateMachineArn = machines[operation];
    // The newest come first (API reference, ListExecutions).
    const newest = client.send(new ListExecutionsCommand({ stateMachineArn, maxResults: 1 }));
    const [latest] = (await answer('Step Functions', newest, target)).executions ?? [];
    if (latest?.startDate !== undefined && latest.startDate > (latestStart ?? 0)) latestStart = latest.startDate;
    const ofStatus = new ListExecutionsCommand({ stateMachineArn, maxResults: 5, statusFilter: 'RUNNING' });
    const { executions = [] } = await answer('Step Functions', client.send(ofStatus), target);
    running.push(...executions.flatMap(({ executionArn }) => executionArn ?? []));
  }
  return { running, latestStart };
}
