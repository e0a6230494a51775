import { basename, join } from 'node:path';
import * as v from 'valibot';
import type { Clock } from '../../core/clock.ts';
import { arnAt, type OnAccess, parseProperties, type ResourceProvider } from '../../core/resource-provider.ts';
import type { Iam } from '../iam/service.ts';
import type { ObjectPlace, ObjectStore } from '../s3/object-store.ts';
import type { LambdaPool } from './pool.ts';
import { unpack, unpackBytes } from './unpack.ts';

interface Parts {
  clock: Pick<Clock, 'now'>;
  lambdas: Pick<LambdaPool, 'add' | 'remove'>;
  iam: Pick<Iam, 'serviceCaller' | 'credentials'>;
  /** The sandbox's own endpoint, to which the SDK of the functions is directed. */
  endpoint: () => string;
  /** The folder that `osls package` filled, with the code of the sandbox's own deployment: nobody has uploaded that. */
  packageFolder: string;
  objects: Pick<ObjectStore, 'get' | 'has' | 'access'>;
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

/** Those of the update handler that are about what the sandbox has. */
const updateActions = ['lambda:GetFunction', 'lambda:UpdateFunctionConfiguration', 'lambda:UpdateFunctionCode'];

/** `AWS::Lambda::Function`. Fails on code that is not in its bucket, on a package without the handler's file, and on a role that does not trust Lambda. */
export function functionProvider({ clock, lambdas, onAccess, ...parts }: Parts): ResourceProvider {
  return async (context) => {
    const { caller } = context;
    const properties = parseProperties(functionProperties, context);
    const { FunctionName, Role, Timeout, Environment } = properties;
    const functionArn = arnAt(caller, 'lambda', `function:${FunctionName}`);
    const actions = context.previous === undefined ? ['lambda:CreateFunction'] : updateActions;
    for (const action of actions) onAccess(caller, { action, resource: functionArn });
    const passedTo = { 'iam:PassedToService': 'lambda.amazonaws.com' };
    onAccess(caller, { action: 'iam:PassRole', resource: Role, context: passedTo });
    const place = { bucket: properties.Code.S3Bucket, key: properties.Code.S3Key };
    // Lambda reads it with the rights of who creates the function (developer guide, "Lambda resource-based policies and S3").
    if (!context.isDeployment) onAccess(caller, parts.objects.access('s3:GetObject', place));
    const code = context.isDeployment
      ? await unpack(join(parts.packageFolder, basename(place.key)))
      : unpackBytes(parts.objects.get(place) ?? missing(place, parts.objects));
    lambdas.add({
      functionName: FunctionName,
      functionArn,
      ...bundleOf(properties, code.files),
      codeSha256: code.sha256,
      lastModified: clock.now(),
      environment: {
        ...Environment.Variables,
        ...(context.isDeployment && pick(parts.environment, Object.keys(Environment.Variables))),
        ...runtimeEnvironment(properties, caller.region, parts),
      },
      roleArn: Role,
      timeoutSeconds: Timeout,
    });
    return {
      physicalId: FunctionName,
      attributes: { Arn: functionArn },
      delete(by) {
        onAccess(by, { action: 'lambda:DeleteFunction', resource: functionArn });
        lambdas.remove(functionArn);
      },
    };
  };
}

/** Throws Lambda's words (serverless/serverless#13208) for an object that is not there. */
function missing({ bucket }: ObjectPlace, { has }: Pick<ObjectStore, 'has'>): never {
  const [code, what] = has(bucket) ? ['NoSuchKey', 'key does not exist.'] : ['NoSuchBucket', 'bucket does not exist'];
  throw new Error(
    `Resource handler returned message: "Error occurred while GetObject. S3 Error Code: ${code}. S3 Error Message: The specified ${what} (Service: Lambda, Status Code: 400)" (HandlerErrorCode: InvalidRequest)`,
  );
}

const pick = (record: Readonly<Record<string, string>>, names: readonly string[]) =>
  Object.fromEntries(Object.entries(record).filter(([name]) => names.includes(name)));

/** Finds the file and export of a function's handler in its zip. */
function bundleOf({ FunctionName, Handler }: FunctionProperties, files: ReadonlyMap<string, string>) {
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
