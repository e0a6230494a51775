import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { parse } from 'yaml';
import { regionSchema } from '../lib/aws/regions.ts';
import { environmentSchemas } from './environment-schemas.ts';

const variablesFile = resolve(import.meta.dirname, '..', join('deployment', 'environment.yml'));

/** Params that reach a variable by way of a parameter of the template or of a file, or that are of the same form as another one. */
const variables: Readonly<Record<string, string>> = {
  accounts: 'ACCOUNTS',
  infinstorMlflowUrl: 'INFINSTOR_MLFLOW_URL',
  infinstorApiUrl: 'INFINSTOR_API_URL',
  formerStackNamePrefix: 'STACK_NAME_PREFIX',
};

/** How long CloudWatch Logs keeps log events (API reference, `PutRetentionPolicy`). */
const retentionDays = [
  ...[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
].map(String);

const text = (form: RegExp, rule: string) => v.pipe(v.string(), v.regex(form, rule));

/** Of params that no function has in its environment. */
const withoutVariable: Readonly<Record<string, v.GenericSchema<unknown, unknown>>> = {
  region: regionSchema,
  templateBucket: text(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket'),
  permissionsBoundaryArn: text(
    /^$|^arn:aws[\w-]*:iam::(\d{12}|aws):policy\/[\w+=,.@/-]+$/,
    'must be the ARN of a managed policy, or empty',
  ),
  bucketNamePattern: text(/^[a-z0-9.*?-]{1,63}$/, 'must be names of buckets with the wildcards * and ?'),
  tableNamePattern: text(/^[\w.*?-]{1,255}$/, 'must be names of tables with the wildcards * and ?'),
  customResourceFunctions: text(/^arn:\S+:lambda:\S+:function:\S+$/, 'must be the ARN of functions, with wildcards'),
  logRetentionDays: v.picklist(
    retentionDays,
    `must be a number of days that CloudWatch Logs has: ${retentionDays.join(', ')}`,
  ),
};

/** What each param must be, by its name: the schema that the functions parse its environment variable with, if it is in one. */
export async function paramSchemas(): Promise<Map<string, v.GenericSchema<unknown, unknown>>> {
  const entries = [...(await environmentSchemas()).values()].map((schema) => schema.entries);
  const schemas: Readonly<Record<string, v.GenericSchema<unknown, unknown>>> = Object.assign({}, ...entries);
  const environment = v.parse(v.record(v.string(), v.unknown()), parse(await readFile(variablesFile, 'utf8')));
  const direct = Object.entries(environment).flatMap(([variable, value]) => {
    const [, param] = /^\$\{param:(\w+)\}$/.exec(String(value)) ?? [];
    return param === undefined ? [] : [[param, variable] as const];
  });
  const ofVariables = [...direct, ...Object.entries(variables)].flatMap(([param, variable]) => {
    const schema = schemas[variable];
    return schema === undefined ? [] : [[param, schema] as const];
  });
  return new Map([...ofVariables, ...Object.entries(withoutVariable)]);
}
