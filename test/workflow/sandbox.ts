import { afterAll, beforeAll, inject } from 'vitest';
import { connect, follow, start } from '../../cli/onboard.ts';
import { type Report, reportOf } from '../../cli/report.ts';
import { bootSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/boot.ts';

/** A sandbox for all tests of a file; its own time is skipped, and no test knows its port. */
export function useSandbox(options: Omit<SandboxOptions, 'packageFolder'> = {}): () => Sandbox {
  let sandbox: Sandbox | undefined;
  beforeAll(async () => {
    sandbox = await bootSandbox({ packageFolder: inject('packageFolder'), skipIdle: true, ...options });
  });
  afterAll(async () => {
    await sandbox?.close();
  });
  return () => {
    if (sandbox === undefined) throw new Error('The sandbox is there only inside tests');
    return sandbox;
  };
}

/** Sends a request to the real machine and follows it to its end. */
export async function onboard(
  { endpoint, stateMachineArn }: Sandbox,
  request: Record<string, unknown>,
): Promise<Report> {
  const clients = connect(endpoint);
  try {
    const executionArn = await start(clients, stateMachineArn, request);
    const { description, events } = await follow(clients, executionArn, () => {});
    return reportOf(description, events, new Map());
  } finally {
    clients.sfn.destroy();
    clients.kms.destroy();
  }
}

/** The states of a run in the order in which they were entered or retried. */
export function statesOf({ history }: Report): string[] {
  return history.map(({ state }) => state);
}

export const happyPath = [
  'AcceptRequest',
  'ObtainToken',
  'CreateSubscriber',
  'DeployStack',
  'WaitForStack',
  'ReadRoleArn',
  'PatchKeyPolicy',
  'CompleteOnboarding',
];
