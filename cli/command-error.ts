/** Why the command could not do its work, for people: a name, what happened, and what to do next. */
export class CommandError extends Error {
  readonly remedy: string;

  constructor(name: string, message: string, remedy: string) {
    super(message);
    this.name = name;
    this.remedy = remedy;
  }
}

/** What was thrown as a CommandError of the given name, unless it already is one. */
export function asCommandError(error: unknown, name: string, remedy: string): CommandError {
  if (error instanceof CommandError) return error;
  return new CommandError(name, error instanceof Error ? error.message || error.name : String(error), remedy);
}
