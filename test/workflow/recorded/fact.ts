import type { Sandbox } from '../../../sandbox/boot.ts';

/**
 * What AWS has answered to others, in words of our own: their test's name is the source, and the day on which it last ran against AWS the date.
 * The texts of errors are AWS's. Request ids, retries and order of members say nothing, and are left out.
 */
export interface Recordings {
  /** The service as the signature's scope calls it. */
  service: string;
  /** The file of recordings, below `tests/aws/services/` of github.com/localstack/localstack; beside it another one has the dates. */
  file: string;
  tests: readonly RecordedTest[];
}

export interface RecordedTest {
  test: string;
  /** Where it is not in the file of the others. */
  file?: string;
  /** `YYYY-MM-DD` */
  date: string;
  /** Makes what no call of the service makes in the sandbox; what it returns can stand in steps as `$name`. */
  prepare?: (sandbox: Sandbox) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  steps: readonly Step[];
}

/** A call. One with a key is a fact; others make what the next ones need, and must succeed. */
export interface Step {
  /** What the recording calls the answer. */
  key?: string;
  operation: string;
  input: object;
  expected?: Expected;
  /** Members of the answer that later steps name as `$name`, by these names. */
  keep?: Readonly<Record<string, string>>;
  region?: string;
  /** Lets everything on the sandbox's clock happen before the call. */
  afterAll?: boolean;
  /** Of a long answer, what the recording shows. */
  pick?: (answer: unknown) => unknown;
}

/**
 * An answer as it must be to the last member. `<…>` in a text stands for any text, an ARN's part or an id, and alone for a value of any kind but
 * undefined; `$name` for what an earlier step has kept.
 */
export type Expected = { status: number; code: string; message: string } | { status: number; answer: unknown };

type Options = Partial<Pick<Step, 'keep' | 'region' | 'afterAll' | 'pick'>>;

/** A call that makes what others need. */
export const call = (operation: string, input: object, options: Options = {}): Step => ({
  operation,
  input,
  ...options,
});

/** A call whose answer is recorded. */
export const fact = (
  key: string,
  operation: string,
  input: object,
  expected: Expected,
  options: Options = {},
): Step => ({
  key,
  operation,
  input,
  expected,
  ...options,
});

export const refused = (code: string, message: string, status = 400): Expected => ({ status, code, message });

export const answered = (answer: unknown, status = 200): Expected => ({ status, answer });
