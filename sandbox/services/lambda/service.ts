import { LambdaError } from '../../core/lambda-error.ts';
import { type Access, AwsError, type Caller } from '../../core/operation.ts';
import type { Answer } from '../../http/protocols.ts';
import type { AsynchronousInvocations } from './asynchronous.ts';
import type { LambdaFunction } from './invocation.ts';
import type { LambdaPool } from './pool.ts';

/** The header names are in lower case. */
export interface LambdaRequest {
  method: string;
  path: string;
  query: Readonly<Record<string, string>>;
  headers: Readonly<Record<string, string | undefined>>;
  body: string;
  caller: Caller;
}

export interface Lambda {
  /** The names of the operations that it has. */
  operations: readonly string[];
  /** @throws AwsError as Lambda does */
  handle(request: LambdaRequest): Promise<Answer>;
}

interface Parts {
  pool: Pick<LambdaPool, 'functions' | 'invoke'>;
  invocations: Pick<AsynchronousInvocations, 'invoke'>;
  /** Asks IAM. @throws AwsError AccessDeniedException */
  authorize: (caller: Caller, access: Access) => void;
}

interface RestOperation {
  method: string;
  /** Its group, if it has one, is the function's name or ARN. */
  path: RegExp;
  /** Of the parameters of its query that it has, the values that they may have. */
  parameters: Readonly<Record<string, readonly string[]>>;
  run(request: LambdaRequest, nameOrArn: string): Answer | Promise<Answer>;
}

/** Lambda's REST API, as far as one looks around with it: https://docs.aws.amazon.com/lambda/latest/api/ */
export function createLambda({ pool, invocations, authorize }: Parts): Lambda {
  const functionsOf = ({ accountId, region }: Caller) =>
    pool.functions().filter(({ functionArn }) => functionArn.startsWith(`arn:aws:lambda:${region}:${accountId}:`));

  /** The function that a caller names. @throws AwsError ResourceNotFoundException, after IAM was asked for the action */
  function functionNamed(nameOrArn: string, action: string, caller: Caller): LambdaFunction {
    const functionArn = arnOf(nameOrArn, caller);
    authorize(caller, { action, resource: functionArn });
    const found = functionsOf(caller).find((lambda) => lambda.functionArn === functionArn);
    if (found !== undefined) return found;
    throw new AwsError('ResourceNotFoundException', `Function not found: ${functionArn}`, 404);
  }

  function listFunctions(caller: Caller): Answer {
    authorize(caller, { action: 'lambda:ListFunctions', resource: '*' });
    return json(200, { Functions: functionsOf(caller).map(configuration) });
  }

  async function invoke(nameOrArn: string, { caller, headers, body }: LambdaRequest): Promise<Answer> {
    const functionArn = arnOf(nameOrArn, caller);
    authorize(caller, { action: 'lambda:InvokeFunction', resource: functionArn });
    if (!functionsOf(caller).some((lambda) => lambda.functionArn === functionArn)) {
      throw new AwsError('ResourceNotFoundException', `Function not found: ${functionArn}:$LATEST`, 404);
    }
    const event = parsePayload(body);
    const type = headers['x-amz-invocation-type'] ?? 'RequestResponse';
    switch (type) {
      case 'RequestResponse':
        return answered(() => pool.invoke(functionArn, event));
      case 'Event':
        void invocations.invoke(functionArn, event);
        return { status: 202, headers: {}, body: '' };
      case 'DryRun':
        return { status: 204, headers: {}, body: '' };
      default:
        throw new AwsError('InvalidParameterValueException', `Unknown invocation type ${type}`);
    }
  }

  const operations: Readonly<Record<string, RestOperation>> = {
    ListFunctions: {
      method: 'GET',
      path: /^\/2015-03-31\/functions\/?$/,
      // There are no versions but the latest one.
      parameters: { FunctionVersion: ['ALL'] },
      run: ({ caller }) => listFunctions(caller),
    },
    GetFunction: {
      method: 'GET',
      path: /^\/2015-03-31\/functions\/([^/]+)$/,
      parameters: {},
      run: ({ caller }, nameOrArn) =>
        json(200, {
          Configuration: configuration(functionNamed(decodeURIComponent(nameOrArn), 'lambda:GetFunction', caller)),
          // Where one could download it is left out.
          Code: { RepositoryType: 'S3' },
        }),
    },
    Invoke: {
      method: 'POST',
      path: /^\/2015-03-31\/functions\/([^/]+)\/invocations$/,
      parameters: {},
      run: (request, nameOrArn) => invoke(decodeURIComponent(nameOrArn), request),
    },
  };

  return {
    operations: Object.keys(operations),
    async handle(request) {
      const { method, path, query } = request;
      for (const [name, operation] of Object.entries(operations)) {
        const match = operation.method === method ? operation.path.exec(path) : null;
        if (match === null) continue;
        requireParameters(name, operation.parameters, query);
        return operation.run(request, match[1] ?? '');
      }
      throw new AwsError('UnknownOperationException', `The sandbox does not have ${method} ${path} of lambda`, 404);
    },
  };
}

/** The ARN of a function that a caller names. @throws AwsError ResourceNotFoundException for an ARN of another Region */
function arnOf(nameOrArn: string, { accountId, region }: Caller): string {
  const named = nameOrArn.startsWith('arn:') ? nameOrArn.split(':')[3] : region;
  if (named === region) return `arn:aws:lambda:${region}:${accountId}:function:${nameOrArn.split(':').at(-1) ?? ''}`;
  const message = `Functions from '${named}' are not reachable in this region ('${region}')`;
  throw new AwsError('ResourceNotFoundException', message, 404);
}

/** @throws AwsError ValidationException for a parameter that the operation does not have here, or a value that it may not have */
function requireParameters(
  operation: string,
  parameters: RestOperation['parameters'],
  query: LambdaRequest['query'],
): void {
  for (const [name, value] of Object.entries(query)) {
    const values = parameters[name];
    if (values === undefined) {
      throw new AwsError('ValidationException', `The sandbox's lambda:${operation} does not have ${name}`);
    }
    if (values.includes(value)) continue;
    const member = `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
    throw new AwsError(
      'ValidationException',
      `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: Member must satisfy enum value set: [${values.join(', ')}]`,
    );
  }
}

/** An error of the function is a result for the caller of Lambda, with a header that says so. */
async function answered(run: () => Promise<unknown>): Promise<Answer> {
  try {
    return json(200, await run(), { 'x-amz-executed-version': '$LATEST' });
  } catch (error) {
    if (!(error instanceof LambdaError)) throw error;
    const headers = { 'x-amz-executed-version': '$LATEST', 'x-amz-function-error': 'Unhandled' };
    return { status: 200, headers: { 'content-type': 'application/json', ...headers }, body: error.cause };
  }
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body ?? null),
});

function configuration({ functionName, functionArn, exportName, roleArn, timeoutSeconds, ...code }: LambdaFunction) {
  return {
    FunctionName: functionName,
    FunctionArn: functionArn,
    Handler: `index.${exportName}`,
    Role: roleArn,
    Timeout: timeoutSeconds,
    PackageType: 'Zip',
    CodeSha256: code.codeSha256,
    // API reference, FunctionConfiguration: ISO 8601 with this form of the zone.
    LastModified: new Date(code.lastModified).toISOString().replace('Z', '+0000'),
    Version: '$LATEST',
  };
}

function parsePayload(body: string): unknown {
  if (body === '') return {};
  try {
    return JSON.parse(body);
  } catch {
    throw new AwsError(
      'InvalidRequestContentException',
      'Could not parse request body into json: Could not parse payload into json: the payload is not JSON',
    );
  }
}
