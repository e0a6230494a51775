/** What is wrong with one place of a request, or with what the request is for. */
export interface CommandFault {
  /** The place in the request (RFC 6901); absent for what is wrong elsewhere. */
  pointer?: string | undefined;
  /** The same for people. */
  field?: string | undefined;
  rule: string;
  /** The error that it would be, and what helps, where faults have different ones. */
  name?: string | undefined;
  remedy?: string | undefined;
}

const brand = Symbol.for('infinstor-onboarding.CommandError');

/** Why the command could not do its work, for people: a name, what happened, and what to do next. */
export class CommandError extends Error {
  /** Also of the class in the other file of the packed command, which has each module once more. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value;
  }

  readonly [brand] = true;
  readonly remedy: string;
  /** What of the deployment failed; null when it was the command itself. */
  readonly step: string | null;
  /** Of a request each place that is wrong, by its JSON Pointer. */
  readonly errors: readonly CommandFault[] | undefined;

  constructor(
    name: string,
    message: string,
    remedy: string,
    step: string | null = null,
    faults?: readonly CommandFault[],
  ) {
    super(message);
    this.name = name;
    this.remedy = remedy;
    this.step = step;
    this.errors = faults;
  }
}

/** What was thrown as a CommandError of the given name, unless it already is one. */
export function asCommandError(error: unknown, name: string, remedy: string): CommandError {
  if (error instanceof CommandError) return error;
  return new CommandError(name, error instanceof Error ? error.message || error.name : String(error), remedy);
}

/** That the command line is wrong. */
export const usageError = (message: string) =>
  new CommandError('InvalidRequest', message, 'Run the command with --help to see its usage.');
