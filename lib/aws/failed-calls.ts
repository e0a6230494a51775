import * as v from 'valibot';

/** A call of AWS that failed: what the error of a client does not say itself. */
export interface FailedCall {
  /** As IAM writes it: `dynamodb:UpdateItem`. */
  action: string;
  /** What the call was about, by the name or ARN that it was called with. */
  resource: string | undefined;
  /** How often the client has tried it, and for how long it has waited between these tries; undefined when it has not said so. */
  attempts: number | undefined;
  waitedMs: number | undefined;
}

const failedCalls = new WeakMap<Error, FailedCall>();

/** IAM's names of the services, where the client's is another one. */
const prefixes: Readonly<Record<string, string>> = {
  CognitoIdentityProvider: 'cognito-idp',
  EventBridge: 'events',
  SFN: 'states',
};

/** The members of inputs that name what a call is about; of each call the first that it has. No value of a secret is among them. */
const resourceMembers = [
  ...['SecretId', 'TableName', 'KeyId', 'StackName', 'RoleName', 'RoleArn', 'executionArn', 'stateMachineArn'],
  ...['QueueUrl', 'TemplateURL', 'Name'],
];

const failureSchema = v.object({
  clientName: v.string(),
  commandName: v.string(),
  input: v.fallback(v.record(v.string(), v.unknown()), {}),
  error: v.instance(Error),
  metadata: v.fallback(v.object({ attempts: v.optional(v.number()), totalRetryDelay: v.optional(v.number()) }), {}),
});

/**
 * The logger of all clients of AWS, which logs nothing: a client hands it each call that failed, with its error, and that is
 * remembered beside the error (`loggerMiddleware` of `@aws-sdk/core`).
 */
export const failedCallsLogger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error(content: unknown) {
    const failure = v.safeParse(failureSchema, content);
    if (!failure.success) return;
    const { clientName, commandName, input, error, metadata } = failure.output;
    const service = clientName.replace(/Client$/, '');
    // A client within another one, such as for the credentials of an account, fails first.
    if (failedCalls.has(error)) return;
    failedCalls.set(error, {
      action: `${prefixes[service] ?? service.toLowerCase()}:${commandName.replace(/Command$/, '')}`,
      resource: resourceMembers.map((member) => input[member]).find((value) => typeof value === 'string'),
      attempts: metadata.attempts,
      waitedMs: metadata.totalRetryDelay,
    });
  },
};

/** Remembers the call beside its error, for a client that is not the SDK's. */
export function rememberFailedCall(error: Error, call: FailedCall): void {
  failedCalls.set(error, call);
}

/** The call that an error came of; undefined for what no client of AWS has thrown. */
export const failedCallOf = (error: Error): FailedCall | undefined => failedCalls.get(error);
