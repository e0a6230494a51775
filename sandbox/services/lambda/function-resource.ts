import { basename, join } from 'node:path';
import * as v from 'valibot';
import { arnAt, type OnAccess, parseProperties, type ResourceProvider } from '../../core/resource-provider.ts';
import type { Iam } from '../iam/service.ts';
import type { LambdaPool } from './pool.ts';
import { unpack } from './unpack.ts';

interface Parts {
  lambdas: Pick<LambdaPool, 'add'>;
  iam: Pick<Iam, 'serviceCaller' | 'credentials'>;
  /** The sandbox's own endpoint, to which the SDK of the functions is directed. */
  endpoint: () => string;
  /** The folder that `osls package` filled. */
  packageFolder: string;
  /** Values for environment variables of the functions, in place of the template's. */
  environment: Readonly<Record<string, string>>;
  onAccess: OnAccess;
}

const functionProperties = v.strictObject({
  FunctionName: v.string(),
  Handler: v.string(),
  Role: v.string(),
  Timeout: v.number(),
  Code: v.strictObject({ S3Bucket: v.string(), S3Key: v.string() }),
  Environment: v.strictObject({ Variables: v.record(v.string(), v.string()) }),
  // Node is the one that runs the sandbox, without limits of memory and without tracing.
  Runtime: v.optional(v.string()),
  MemorySize: v.optional(v.number()),
  Architectures: v.optional(v.array(v.string())),
  TracingConfig: v.optional(v.strictObject({ Mode: v.string() })),
});
type FunctionProperties = v.InferOutput<typeof functionProperties>;

/** `AWS::Lambda::Function`. Fails on a package without the handler's file, and on a role that does not trust Lambda. */
export function functionProvider({ lambdas, onAccess, ...parts }: Parts): ResourceProvider {
  return async (context) => {
    const { caller } = context;
    const properties = parseProperties(functionProperties, context);
    const { FunctionName, Role, Timeout, Environment } = properties;
    const functionArn = arnAt(caller, 'lambda', `function:${FunctionName}`);
    onAccess(caller, { action: 'lambda:CreateFunction', resource: functionArn });
    const passedTo = { 'iam:PassedToService': 'lambda.amazonaws.com' };
    onAccess(caller, { action: 'iam:PassRole', resource: Role, context: passedTo });
    lambdas.add({
      functionName: FunctionName,
      functionArn,
      ...(await bundleOf(properties, parts.packageFolder)),
      environment: {
        ...Environment.Variables,
        ...pick(parts.environment, Object.keys(Environment.Variables)),
        ...runtimeEnvironment(properties, caller.region, parts),
      },
      roleArn: Role,
      timeoutSeconds: Timeout,
    });
    return { physicalId: FunctionName, attributes: { Arn: functionArn } };
  };
}

const pick = (record: Readonly<Record<string, string>>, names: readonly string[]) =>
  Object.fromEntries(Object.entries(record).filter(([name]) => names.includes(name)));

/** Unpacks a function's zip, which osls names by the last part of its key, and finds the file and export of its handler. */
async function bundleOf({ FunctionName, Handler, Code }: FunctionProperties, packageFolder: string) {
  const files = await unpack(join(packageFolder, basename(Code.S3Key)));
  const [module = '', exportName = ''] = Handler.split('.');
  const bundle = files.get(`${module}.cjs`);
  if (bundle === undefined) throw new Error(`The package of ${FunctionName} has no ${module}.cjs`);
  return { bundle, exportName };
}

/** What Lambda itself sets in a function's environment, and the endpoint that directs the SDK to the sandbox. */
function runtimeEnvironment(
  { FunctionName, Role }: FunctionProperties,
  region: string,
  { iam, endpoint }: Pick<Parts, 'iam' | 'endpoint'>,
): Record<string, string> {
  // Lambda refuses a function whose role does not trust it.
  iam.serviceCaller(Role, 'lambda.amazonaws.com');
  const { accessKeyId, secretAccessKey, sessionToken } = iam.credentials(Role, FunctionName);
  return {
    AWS_REGION: region,
    AWS_LAMBDA_FUNCTION_NAME: FunctionName,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
    AWS_ENDPOINT_URL: endpoint(),
    TZ: 'UTC',
  };
}
