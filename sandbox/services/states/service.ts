import { type AccountRegion, account } from '../../core/account.ts';
import type { Caller, Service } from '../../core/operation.ts';
import type { Kms } from '../kms/service.ts';
import type { Execution } from './execution.ts';
import { executionOperations } from './execution-operations.ts';
import { createExecutionStore, type Dependencies, type Invoker, type MachineDefinition } from './execution-store.ts';
import { keyUse } from './key-use.ts';
import { machineOperations } from './machine-operations.ts';
import { taskOperations } from './task-operations.ts';
import { createTaskTokens } from './task-tokens.ts';

export interface States {
  service: Service;
  createStateMachine(machine: MachineDefinition): string;
  /** Executions that run go on with the definition and the role that they began with. */
  updateStateMachine(machine: MachineDefinition): void;
  /** Ends what runs of the machine, if there is one. Its executions stay to be looked at. */
  deleteStateMachine(stateMachineArn: string): void;
  executions(): readonly Execution[];
  /** @throws AwsError ExecutionDoesNotExist */
  execution(executionArn: string): Execution;
  /** Ends every execution that still runs. */
  close(): void;
}

interface KeyParts {
  /** Default: no machine can be encrypted with a customer managed key. */
  kms: Pick<Kms, 'useAccess'>;
  /** The role of a machine, whose use of the key is asked; default: it is not. */
  callerOf: (machine: Invoker) => Caller | undefined;
}

/** Step Functions: state machines on the sandbox's clock, and their executions. @param home default: where the onboarding is deployed */
export function createStates({
  home = account,
  ...parts
}: Omit<Dependencies, 'home'> & Partial<KeyParts> & { home?: AccountRegion }): States {
  const tokens = createTaskTokens();
  const store = createExecutionStore({ ...parts, home }, tokens);
  const requireKey = keyUse(parts.kms, home);
  const operations = {
    ...machineOperations(store, requireKey),
    ...executionOperations(store, { now: parts.clock.now, requireKey, callerOf: parts.callerOf ?? (() => undefined) }),
    ...taskOperations(tokens),
  };
  return {
    service: { name: 'states', protocol: 'json', operations },
    createStateMachine: store.add,
    updateStateMachine: store.update,
    deleteStateMachine: store.remove,
    executions: store.all,
    execution: store.execution,
    close() {
      for (const execution of store.all()) if (execution.status === 'RUNNING') execution.abort({});
    },
  };
}
