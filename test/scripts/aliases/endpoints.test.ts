import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { endpointResolver, globalEndpointResolver } from '../../../scripts/aliases/endpoints.ts';

const regions = [
  ...[
    'us-east-1',
    'us-west-2',
    'eu-central-1',
    'eu-west-3',
    'ap-southeast-7',
    'sa-east-1',
    'ca-west-1',
    'me-central-1',
  ],
  ...['af-south-1', 'il-central-1', 'mx-central-1', 'cn-north-1', 'cn-northwest-1', 'us-gov-east-1', 'us-gov-west-1'],
  ...['us-iso-east-1', 'us-iso-west-1', 'us-isob-east-1', 'us-isob-west-1', 'eu-isoe-west-1', 'us-isof-south-1'],
  ...['us-isof-east-1', 'eusc-de-east-1', 'ap-nowhere-9'],
];

describe.each([
  { host: 'cloudformation', client: new CloudFormationClient() },
  { host: 'cognito-idp', client: new CognitoIdentityProviderClient() },
  { host: 'dynamodb', client: new DynamoDBClient() },
  { host: 'events', client: new EventBridgeClient() },
  { host: 'iam', client: new IAMClient(), resolver: globalEndpointResolver },
  { host: 'kms', client: new KMSClient() },
  { host: 'secretsmanager', client: new SecretsManagerClient() },
  { host: 'states', client: new SFNClient() },
  { host: 'sqs', client: new SQSClient() },
  { host: 'sts', client: new STSClient() },
])('the endpoints of $host', ({ host, client, resolver = endpointResolver }) => {
  const resolve = resolver(host);
  const { endpointProvider } = client.config;

  it.each(regions)("are the SDK's in %s", (Region) => {
    expect(resolve({ Region, UseFIPS: false, UseDualStack: false })).toEqual(
      endpointProvider({ Region, UseFIPS: false, UseDualStack: false }),
    );
  });

  it('are what is configured', () => {
    const parameters = {
      Region: 'us-east-1',
      Endpoint: 'http://sandbox.example:8000/',
      UseFIPS: false,
      UseDualStack: false,
    };
    expect(resolve(parameters)).toEqual(endpointProvider(parameters));
  });

  it.each([{ Region: 'us-east-1', UseFIPS: true }, { Region: 'us-east-1', UseDualStack: true }, {}])(
    'are refused with %o',
    (parameters) => {
      expect(() => resolve(parameters)).toThrow(/not in this bundle|Missing Region/);
    },
  );
});
