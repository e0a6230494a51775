/** What only the HTTP API answers, and no state machine fails with, and its status. docs/api.md has a section for each. */
export const apiProblems = {
  SubscriberNotFound: 404,
  KeyNotFound: 404,
  NothingToRetry: 409,
  IdempotencyKeySpent: 409,
  IdempotencyKeyReused: 422,
  InternalError: 500,
  AwsBusy: 503,
  IndexNotReady: 503,
} as const satisfies Readonly<Record<string, number>>;

export type ApiProblemName = keyof typeof apiProblems;

/** A request that the HTTP API cannot do, for a reason that is none of a state machine's. */
export class ApiProblem extends Error {
  override readonly name: ApiProblemName;
  /** What to do next. */
  readonly remedy: string;

  /** @param message what is the matter; without secrets, because it is the answer */
  constructor(name: ApiProblemName, message: string, remedy: string) {
    super(message);
    this.name = name;
    this.remedy = remedy;
  }
}
