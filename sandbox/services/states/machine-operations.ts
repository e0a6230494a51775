import * as v from 'valibot';
import { operation } from '../../core/operation.ts';
import type { ExecutionStore } from './execution-store.ts';
import type { StatesKeyUse } from './key-use.ts';
import { onePage, page } from './pages.ts';

/** The operations on state machines: https://docs.aws.amazon.com/step-functions/latest/apireference/ */
export function machineOperations(store: Pick<ExecutionStore, 'machines' | 'machine'>, requireKey: StatesKeyUse) {
  return {
    ListStateMachines: operation(v.strictObject(page), {
      access: () => [{ action: 'states:ListStateMachines', resource: '*' }],
      run: (input) => {
        const [found, nextToken] = onePage(store.machines(), input);
        return {
          stateMachines: found.map(({ stateMachineArn, name, createdAt }) => ({
            stateMachineArn,
            name,
            type: 'STANDARD',
            creationDate: createdAt,
          })),
          nextToken,
        };
      },
    }),
    DescribeStateMachine: operation(v.strictObject({ stateMachineArn: v.string() }), {
      access: ({ stateMachineArn }) => [{ action: 'states:DescribeStateMachine', resource: stateMachineArn }],
      run: ({ stateMachineArn }, caller) => {
        const machine = store.machine(stateMachineArn);
        requireKey(caller, machine, 'read');
        const { name, roleArn, definitionText, createdAt, keyArn } = machine;
        return {
          stateMachineArn,
          name,
          status: 'ACTIVE',
          type: 'STANDARD',
          roleArn,
          definition: definitionText,
          creationDate: createdAt,
          ...(keyArn !== undefined && {
            encryptionConfiguration: { type: 'CUSTOMER_MANAGED_KMS_KEY', kmsKeyId: keyArn },
          }),
        };
      },
    }),
  };
}
