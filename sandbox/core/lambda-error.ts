/** A failed invocation, with error name and cause as a state machine sees them. */
export class LambdaError extends Error {
  override readonly name: string;
  override readonly cause: string;

  constructor(name: string, cause: string) {
    super(cause);
    this.name = name;
    this.cause = cause;
  }
}
