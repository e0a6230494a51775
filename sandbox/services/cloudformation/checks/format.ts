import { AwsError } from '../../../core/operation.ts';
import { isRecord } from '../evaluate.ts';

/** What is wrong with a template's form. */
export const formatError = (message: string) => new AwsError('ValidationError', `Template format error: ${message}`);

const resourceKeys = [
  ...['Type', 'Properties', 'DependsOn', 'Condition', 'Metadata', 'DeletionPolicy', 'UpdateReplacePolicy'],
  ...['CreationPolicy', 'UpdatePolicy'],
];

/**
 * Refuses, in CloudFormation's words as LocalStack has recorded them (tests/aws/services/cloudformation/api/test_validations.snapshot.json,
 * test_change_set_ref.snapshot.json), a template whose parts have not the form of a template's. What the words are for names of
 * outputs is not recorded.
 * @throws AwsError ValidationError
 */
export function checkFormat(template: unknown): void {
  if (!isRecord(template)) throw formatError('unsupported structure.');
  requireNoNulls(template, '');
  const { Parameters, Resources, Outputs } = template;
  requireNames('Parameter', Parameters);
  requireNames('Resource', Resources);
  requireNames('Output', Outputs);
  if (!isRecord(Resources) || Object.keys(Resources).length === 0) {
    throw formatError('At least one Resources member must be defined.');
  }
  for (const [logicalId, resource] of Object.entries(Resources)) checkResource(logicalId, resource);
  for (const output of Object.values(isRecord(Outputs) ? Outputs : {})) {
    if (!isRecord(output) || !('Value' in output)) {
      throw formatError('Every Outputs member must contain a Value object');
    }
  }
}

function checkResource(logicalId: string, resource: unknown): void {
  if (!isRecord(resource)) throw formatError('Any Resources member must be an object.');
  if (!('Type' in resource)) {
    throw formatError(`[/Resources/${logicalId}] Every Resources object must contain a Type member.`);
  }
  for (const key of Object.keys(resource)) {
    if (!resourceKeys.includes(key)) {
      throw new AwsError('ValidationError', `Invalid template resource property '${key}'`);
    }
    // It would wait for signals, or update, neither of which the sandbox has.
    if (key === 'CreationPolicy' || key === 'UpdatePolicy') {
      throw new AwsError('ValidationError', `The sandbox does not have ${key}, which resource ${logicalId} has`);
    }
  }
  // As a text it would be no secret, and no change when the secret changes.
  if (JSON.stringify(resource).includes('{{resolve:')) {
    throw new AwsError(
      'ValidationError',
      `The sandbox does not have dynamic references, which resource ${logicalId} has`,
    );
  }
  requirePolicy('DeletionPolicy', ['Delete', 'Retain', 'RetainExceptOnCreate'], logicalId, resource);
  requirePolicy('UpdateReplacePolicy', ['Delete', 'Retain'], logicalId, resource);
}

/** Snapshots are of types that the sandbox does not have. */
function requirePolicy(
  policy: string,
  known: readonly string[],
  logicalId: string,
  { [policy]: value }: Record<string, unknown>,
): void {
  if (value === undefined) return;
  if (typeof value !== 'string') throw formatError(`Every ${policy} member must be a string.`);
  if (!known.includes(value)) throw formatError(`Unrecognized ${policy} ${value} for resource ${logicalId}`);
}

function requireNames(what: string, section: unknown): void {
  for (const name of Object.keys(isRecord(section) ? section : {})) {
    if (!/^[A-Za-z0-9]+$/.test(name)) throw formatError(`${what} name ${name} is non alphanumeric.`);
  }
}

function requireNoNulls(value: unknown, path: string): void {
  if (value === null) throw new AwsError('ValidationError', `[${path}] 'null' values are not allowed in templates`);
  if (typeof value !== 'object') return;
  for (const [key, member] of Object.entries(value)) requireNoNulls(member, `${path}/${key}`);
}
