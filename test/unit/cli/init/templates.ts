import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nestedRole, nestedWhole, otherNames } from '../../../workflow/template-variants.ts';

const file = 'infinstor-setup-customer.yaml';
/** The sandbox's stand-in for the vendor's template. */
export const standIn = readFileSync(join(import.meta.dirname, '../../../../sandbox/infinstor', file), 'utf8');

const main = (variant: (template: string) => Readonly<Record<string, string>>) => variant(standIn)[file] ?? '';
/** Cuts the parts of a template at the lines of its sections. */
const without = (text: string, name: RegExp) => text.replace(name, '');

/** Names and values that nothing documents, in part without a word that says what they are. */
export const withOtherNames = main(otherNames);
/** The role alone is in a stack of its own. */
export const withNestedRole = main(nestedRole);
/** Everything is in a stack of its own. */
export const withNestedWhole = main(nestedWhole);

/** Choices are numbers, whose meaning only the template shows; assertions stand in rules. */
export const withNumbers = standIn
  .replace('Type: String\n    Description: Encryption at rest of the artifacts bucket', 'Type: Number')
  .replace('Type: String\n    Description: Encryption at rest of the tracking table', 'Type: Number')
  .replace('Type: String\n    Description: Whether the role', 'Type: Number\n    Description: Whether the role')
  .replace('AllowedValues: ["true", "false"]\n    Default: "false"', 'AllowedValues: [0, 1]\n    Default: 0')
  .replaceAll('[!Ref UseBoundaryPolicy, "true"]', '[!Ref UseBoundaryPolicy, 1]')
  .replaceAll('S3EncryptionOption', 'ArtifactsMode')
  .replaceAll('DynamoDbEncryptionOption', 'TrackingMode')
  .replaceAll(/\bsse-kms-customer-managed-key/g, '2')
  .replaceAll(/\bsse-kms-aws-managed-key/g, '1')
  .replaceAll(/\bsse-s3\b/g, '0')
  .replaceAll(/(?<!-)\bcustomer-managed-key/g, '30')
  .replaceAll(/(?<!-)\baws-managed-key/g, '20')
  .replaceAll(/\baws-owned-key/g, '10');

/** 111 more, among them some that are like those that matter. */
export const with120Parameters = standIn.replace(
  '\nConditions:',
  `${[
    '  SubscriberTier: { Type: String, AllowedValues: [basic, plus], Default: basic }',
    '  TokenTtlMinutes: { Type: Number, Default: 60 }',
    '  ServiceTokenTopic: { Type: String, Default: "" }',
    '  LogsKmsKeyArn: { Type: String, Default: "" }',
    '  LogsEncryptionOption: { Type: String, AllowedValues: [none, customer-managed-key], Default: none }',
    '  S3KmsKeyArnOfReplica: { Type: String, Default: "" }',
    '  OperatorEmail: { Type: String, Default: "" }',
    ...Array.from({ length: 104 }, (_, index) => `  Setting${index}: { Type: String, Default: "${index}" }`),
  ].join('\n')}\n\nConditions:`,
);

/** Bucket and table are encrypted as the services do it by themselves, and a request cannot choose. */
export const withoutEncryption = [
  / {2}(S3|DynamoDb)EncryptionOption:\n( {4}.*\n)+/g,
  / {2}(S3|DynamoDb)KmsKeyArn:\n( {4}.*\n)+/g,
  / {2}ArtifactsCustomerKey: .*\n {2}ArtifactsKms: .*\n( {4}.*\n)+ {2}TrackingCustomerKey: .*\n {2}TrackingKms: .*\n/,
  / {2}(Artifacts|Tracking)KeyGiven:\n( {4}.*\n)+/g,
  / {6}BucketEncryption:\n( {8}.*\n)+/,
  / {6}SSESpecification: .*\n( {8}.*\n)+/,
].reduce(without, standIn);

/** Switches in place of lists, and a key for bucket and table together. */
export const withSwitches = withoutEncryption
  .replace(
    '\nConditions:',
    `  UseKms: { Type: String, Default: "no" }
  KeyArn: { Type: String, Default: "" }

Conditions:
  Kms: !Equals [!Ref UseKms, "yes"]
  OwnKey: !And [!Condition Kms, !Not [!Equals [!Ref KeyArn, ""]]]`,
  )
  .replace(
    '      CorsConfiguration:',
    `      BucketEncryption: !If
        - Kms
        - ServerSideEncryptionConfiguration:
            - ServerSideEncryptionByDefault:
                SSEAlgorithm: aws:kms
                KMSMasterKeyID: !If [OwnKey, !Ref KeyArn, !Ref AWS::NoValue]
        - !Ref AWS::NoValue
      CorsConfiguration:`,
  )
  .replace(
    '      BillingMode:',
    `      SSESpecification:
        SSEEnabled: !If [Kms, true, false]
        KMSMasterKeyId: !If [OwnKey, !Ref KeyArn, !Ref AWS::NoValue]
      BillingMode:`,
  );
