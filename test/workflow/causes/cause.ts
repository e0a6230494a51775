import { expect, onTestFinished } from 'vitest';
import type { Report } from '../../../cli/view/report.ts';
import type { Sandbox, SandboxOptions } from '../../../sandbox/boot.ts';
import { packagedMachine } from '../machines/packaged-machine.ts';

/** What an error has left: whom it is about, and what commands about it name. */
export interface Left {
  report: Report;
  userName: string;
  keyArn?: string;
  /** A user under the subscriber. */
  user?: string;
  /** The execution that a person would stop. */
  otherExecutionArn?: string;
}

export interface Cause {
  error: string;
  /** In words, after "because". */
  because: string;
  step: string;
  /** What the message says of it. */
  says: RegExp;
  /** The error that ends the execution, where this one is but the result of one of its users. */
  within?: string;
  /** The remedy says this, beside what it says of every cause. */
  remedy: RegExp;
  /** Commands of the section that are for another cause of this error, by their text. */
  foreign?: RegExp;
  /** Needs a sandbox of its own. */
  options?: () => Partial<SandboxOptions>;
  provoke: (sandbox: Sandbox) => Promise<Left>;
}

/**
 * Lets a state fail so often before its function runs, as the machine tries it again: what the function says each time is the same.
 * @param skip how many of its runs go well before
 */
export function failBefore(
  { faults }: Sandbox,
  machine: string,
  { skip = 0, ...tried }: { state: string; error: string; times: number; skip?: number },
): void {
  const { lambdaFails, retries } = packagedMachine(machine);
  // So that the function is reached by the last try.
  expect(retries).toContainEqual(tried);
  faults.add({ ...lambdaFails(tried.state, tried.error, tried.times), skip });
}

/** Does something when the test is over, also when it fails. */
export const afterwards = (undo: () => unknown): void => {
  onTestFinished(async () => {
    await undo();
  });
};
