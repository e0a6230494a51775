import {
  CloudFormationClient,
  CloudFormationServiceException,
  DescribeStacksCommand,
  GetTemplateSummaryCommand,
  type GetTemplateSummaryOutput,
} from '@aws-sdk/client-cloudformation';
import {
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  type KeyMetadata,
  KMSClient,
  ListResourceTagsCommand,
} from '@aws-sdk/client-kms';
import { GetExecutionHistoryCommand, SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, GetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { environmentSchema } from '../../../../functions/accept-request/environment.ts';
import { environmentOf } from '../environment.ts';
import { fakeS3 } from '../fake-s3.ts';
import { fakeSecrets } from '../fake-secrets.ts';
import { keyPolicy } from '../key-policy.ts';
import { lambda, secret } from '../lambda.ts';
import { executionArn, templateText } from '../plan.ts';

export const environment = environmentOf(environmentSchema, {
  STACK_SERVICE_ROLE_ARN: 'arn:aws:iam::111111111111:role/stack-service',
  PERMISSIONS_BOUNDARY_ARN: 'arn:aws:iam::111111111111:policy/boundary',
  REQUIRE_PERMISSIONS_BOUNDARY: 'true',
  STACK_REGIONS: 'us-east-1,eu-west-1',
  SUPERADMIN_USER_NAME: 'root',
  STACK_EVENT_REGIONS: 'us-east-1',
  TEMPLATE_BASE_URL: 'https://templates.example',
  DEFAULT_BUILD: '2.3.72',
  TEMPLATE_PARAMETERS: JSON.stringify({
    subscriber: { SubscriberName: '{userName}' },
    customToken: 'CustomToken',
    artifacts: {
      'sse-s3': { S3: 'sse-s3' },
      'sse-kms-aws-managed': { S3: 'kms' },
      'sse-kms-customer-managed': { S3: 'cmk', S3Key: '{keyArn}' },
    },
    tracking: {
      'aws-owned': { DynamoDb: 'owned' },
      'aws-managed': { DynamoDb: 'kms' },
      'customer-managed': { DynamoDb: 'cmk', DynamoDbKey: '{keyArn}' },
    },
    boundary: { Boundary: '{boundaryArn}' },
  }),
  ALLOWED_CAPABILITIES: 'CAPABILITY_IAM,CAPABILITY_NAMED_IAM',
  REQUIRE_NO_ECHO: 'false',
  BUILDS: '{}',
  REQUIRE_PINNED_TEMPLATE: 'false',
  TEMPLATE_COPIES_URL: 'https://copies.example/templates',
  ALLOWED_STACK_PARAMETERS: 'S3,Nope,S3Key,DynamoDbKey',
  ALLOWED_TAG_KEYS: 'team',
});
export const templateUrlOf = (build: string) => `https://templates.example/${build}/infinstor-setup-customer.yaml`;
export const templateUrl = templateUrlOf('2.3.72');
export const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-1111-4111-8111-111111111111';
export const subscriber = { userName: 'Acme', emailId: 'mlops@acme.example' };
export const encryption = {
  artifacts: { type: 'sse-kms-customer-managed', keyArn },
  tracking: { type: 'customer-managed', keyArn },
};
export const details = { message: 'refused', $metadata: {} };
export const validationError = (message: string) =>
  new CloudFormationServiceException({ name: 'ValidationError', message, $fault: 'client', $metadata: {} });

const parameter = (ParameterKey: string, DefaultValue?: string) => ({ ParameterKey, DefaultValue });
export const summary: GetTemplateSummaryOutput = {
  Capabilities: ['CAPABILITY_NAMED_IAM'],
  Parameters: [
    parameter('SubscriberName'),
    { ...parameter('CustomToken'), NoEcho: true },
    ...['S3', 'S3Key', 'DynamoDb', 'DynamoDbKey', 'Boundary'].map((name) => parameter(name, '')),
  ],
};
export const enabledKey: KeyMetadata = {
  KeyId: keyArn,
  KeyManager: 'CUSTOMER',
  KeyState: 'Enabled',
  KeySpec: 'SYMMETRIC_DEFAULT',
  KeyUsage: 'ENCRYPT_DECRYPT',
};

/** The function in an account where everything is as a first onboarding needs it. */
export function setUp() {
  const s3 = fakeS3({
    [templateUrl]: templateText,
    [templateUrlOf('2.3.73')]: templateText,
    [templateUrlOf('2.4.1')]: templateText,
  });
  const secrets = fakeSecrets({ 'infinstor/test/input/acme/password': { password: secret('password') } });
  const cloudFormation = mockClient(CloudFormationClient);
  cloudFormation.on(GetTemplateSummaryCommand, { TemplateBody: templateText }).resolves(summary);
  cloudFormation.on(DescribeStacksCommand).rejects(validationError('Stack with id acme does not exist'));
  const kms = mockClient(KMSClient);
  kms.on(DescribeKeyCommand, { KeyId: keyArn }).resolves({ KeyMetadata: enabledKey });
  kms.on(ListResourceTagsCommand, { KeyId: keyArn }).resolves({
    Tags: [{ TagKey: 'infinstor-onboarding', TagValue: 'allowed' }],
  });
  kms.on(GetKeyPolicyCommand).resolves({ Policy: JSON.stringify(keyPolicy()) });
  const documents = mockClient(DynamoDBDocumentClient);
  documents.on(GetCommand).resolves({});
  documents.on(QueryCommand).resolves({ Items: [] });
  documents.on(UpdateCommand).resolves({});
  const stepFunctions = mockClient(SFNClient);
  stepFunctions.on(GetExecutionHistoryCommand).resolves({ events: [] });
  const load = () => import('../../../../functions/accept-request/handler.ts');
  const invoke = lambda(load, environment);
  const accept = (request: object = {}, changes: Partial<typeof environment> = {}) =>
    invoke({ request: { subscriber, ...request }, executionArn }, changes);
  const claims = () => documents.commandCalls(UpdateCommand);
  return { accept, invoke, s3, secrets, cloudFormation, kms, documents, stepFunctions, claims };
}
export type Fixture = ReturnType<typeof setUp>;
