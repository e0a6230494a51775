import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import {
  generatedName,
  type OnAccess,
  type ProvisionedResource,
  parseProperties,
  policyDocument,
  type ResourceProvider,
  type ResourceProviders,
} from '../../core/resource-provider.ts';
import { type TableStore, tableProvider } from '../dynamodb/table-resource.ts';
import { ruleProvider } from '../events/rule-resource.ts';
import type { Events } from '../events/service.ts';
import type { Iam } from '../iam/service.ts';
import type { Kms } from '../kms/service.ts';
import { type BucketStore, bucketPolicyProvider, bucketProvider } from '../s3/bucket-resource.ts';

/** What a template's custom resource calls. An Error means that it answered FAILED with that message. */
export type CustomResource = (
  type: string,
  properties: Readonly<Record<string, unknown>>,
) => Promise<ProvisionedResource>;

interface ProviderParts {
  iam: Pick<Iam, 'createRole' | 'deleteRole'>;
  kms: Pick<Kms, 'useAccess'>;
  buckets: BucketStore;
  tables: TableStore;
  customResource: CustomResource;
  nestedStack: ResourceProvider;
  events: Pick<Events, 'addRule' | 'addSchedule' | 'deleteRule'>;
  onAccess: OnAccess;
}

/** The resource types of a subscriber's stack, and of those that prepare an account or Region for them. */
export function customerProviders(parts: ProviderParts): ResourceProviders {
  return {
    'AWS::IAM::Role': roleProvider(parts),
    'AWS::S3::Bucket': bucketProvider(parts),
    'AWS::S3::BucketPolicy': bucketPolicyProvider(parts),
    'AWS::DynamoDB::Table': tableProvider(parts),
    'AWS::CloudFormation::Stack': parts.nestedStack,
    'AWS::Events::Rule': ruleProvider({ ...parts, generatedName }),
    'Custom::*': customProvider(parts),
  };
}

const roleProperties = v.strictObject({
  RoleName: v.optional(v.string()),
  Path: v.optional(v.string(), '/'),
  Description: v.optional(v.string()),
  AssumeRolePolicyDocument: policyDocument,
  Policies: v.optional(v.array(v.strictObject({ PolicyName: v.string(), PolicyDocument: policyDocument })), []),
});

/** Roles with inline policies. */
export function roleProvider({ iam, onAccess }: Pick<ProviderParts, 'iam' | 'onAccess'>): ResourceProvider {
  return async (context) => {
    const { caller } = context;
    const properties = parseProperties(roleProperties, context);
    const { Path, AssumeRolePolicyDocument, Policies, RoleName = generatedName(context) } = properties;
    const resource = `arn:aws:iam::${caller.accountId}:role${Path}${RoleName}`;
    const ask = (...actions: string[]) => {
      for (const action of actions) onAccess(caller, { action, resource });
    };
    const hasPolicies = Policies.length > 0;
    ask(
      'iam:CreateRole',
      'iam:GetRole',
      ...(context.isTagged ? ['iam:TagRole'] : []),
      ...(hasPolicies ? ['iam:PutRolePolicy'] : []),
    );
    const role = iam.createRole({
      roleName: RoleName,
      path: Path,
      assumeRolePolicyDocument: AssumeRolePolicyDocument,
      policies: Policies.map(({ PolicyName, PolicyDocument }) => ({ name: PolicyName, document: PolicyDocument })),
    });
    return {
      physicalId: role.roleName,
      attributes: { Arn: role.arn, RoleId: role.roleId },
      delete() {
        ask(...(hasPolicies ? ['iam:DeleteRolePolicy'] : []), 'iam:DeleteRole');
        iam.deleteRole(role.roleName);
      },
    };
  };
}

const customProperties = v.looseObject({ ServiceToken: v.string() });

function customProvider({ customResource, onAccess }: ProviderParts): ResourceProvider {
  return async (context) => {
    const properties = parseProperties(customProperties, context);
    onAccess(context.caller, { action: 'lambda:InvokeFunction', resource: properties.ServiceToken });
    const { delete: remove, ...created } = await answered(() => customResource(context.type, properties));
    return { ...created, ...(remove !== undefined && { delete: () => answered(async () => remove()) }) };
  };
}

/** What a custom resource answered; a failure in CloudFormation's words. */
async function answered<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Received response status [FAILED] from custom resource. Message returned: ${message} (RequestId: ${randomUUID()})`,
    );
  }
}
