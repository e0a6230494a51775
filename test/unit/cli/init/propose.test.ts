import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { proposeMap } from '../../../../cli/init/propose.ts';
import { parseTemplate, type Template } from '../../../../cli/vendor-template/content.ts';
import {
  standIn,
  with120Parameters,
  withNestedRole,
  withNestedWhole,
  withNumbers,
  withOtherNames,
  withoutEncryption,
  withSwitches,
} from './templates.ts';

/** The parts that are proposed for a template, each as its sureness and its parameters. */
function proposed(text: string) {
  const template = parseTemplate(text);
  if (template === undefined) throw new Error('It is no template');
  return Object.fromEntries(
    [...proposeMap(template)].map(([name, { sureness, parameters }]) => [name, [sureness, parameters] as const]),
  );
}

const ofStandIn = {
  subscriber: ['certain', { SubscriberName: '{userName}' }],
  customToken: ['certain', { CustomToken: '' }],
  'artifacts.sse-s3': ['certain', { S3EncryptionOption: 'sse-s3' }],
  'artifacts.sse-kms-aws-managed': ['certain', { S3EncryptionOption: 'sse-kms-aws-managed-key' }],
  'artifacts.sse-kms-customer-managed': [
    'certain',
    { S3EncryptionOption: 'sse-kms-customer-managed-key', S3KmsKeyArn: '{keyArn}' },
  ],
  'tracking.aws-owned': ['certain', { DynamoDbEncryptionOption: 'aws-owned-key' }],
  'tracking.aws-managed': ['certain', { DynamoDbEncryptionOption: 'aws-managed-key' }],
  'tracking.customer-managed': [
    'certain',
    { DynamoDbEncryptionOption: 'customer-managed-key', DynamoDbKmsKeyArn: '{keyArn}' },
  ],
  boundary: ['certain', { UseBoundaryPolicy: 'true', BoundaryPolicyARN: '{boundaryArn}' }],
} as const;

/** The same, as sure as names can make it. */
const likely = <Part extends readonly [string, object]>([, parameters]: Part) => ['likely', parameters];

describe('the map of parameters', () => {
  it.each([
    ['as the sandbox has it', standIn],
    ['with 120 parameters', with120Parameters],
  ])('is certain for the template %s', (_, text) => {
    expect(proposed(text)).toEqual(ofStandIn);
  });

  it('is certain for other names and values, since the resources show what they do', () => {
    expect(proposed(withOtherNames)).toEqual({
      subscriber: ['certain', { Tenant: '{userName}' }],
      customToken: ['certain', { ServiceToken: '' }],
      'artifacts.sse-s3': ['certain', { BucketEncryptionType: 'sse-s3' }],
      'artifacts.sse-kms-aws-managed': ['certain', { BucketEncryptionType: 'KMS' }],
      'artifacts.sse-kms-customer-managed': ['certain', { BucketEncryptionType: 'CMK', BucketKey: '{keyArn}' }],
      'tracking.aws-owned': ['certain', { TableEncryptionType: 'aws-owned-key' }],
      'tracking.aws-managed': ['certain', { TableEncryptionType: 'KMS' }],
      'tracking.customer-managed': ['certain', { TableEncryptionType: 'CMK', TableKey: '{keyArn}' }],
      boundary: ofStandIn.boundary,
    });
  });

  it('is certain for numbers', () => {
    expect(proposed(withNumbers)).toEqual({
      ...ofStandIn,
      'artifacts.sse-s3': ['certain', { ArtifactsMode: '0' }],
      'artifacts.sse-kms-aws-managed': ['certain', { ArtifactsMode: '1' }],
      'artifacts.sse-kms-customer-managed': ['certain', { ArtifactsMode: '2', S3KmsKeyArn: '{keyArn}' }],
      'tracking.aws-owned': ['certain', { TrackingMode: '10' }],
      'tracking.aws-managed': ['certain', { TrackingMode: '20' }],
      'tracking.customer-managed': ['certain', { TrackingMode: '30', DynamoDbKmsKeyArn: '{keyArn}' }],
      boundary: ['certain', { UseBoundaryPolicy: '1', BoundaryPolicyARN: '{boundaryArn}' }],
    });
  });

  it('leaves out what a template without options of encryption does not offer', () => {
    expect(proposed(withoutEncryption)).toEqual({
      ...ofStandIn,
      'artifacts.sse-s3': ['certain', {}],
      'artifacts.sse-kms-aws-managed': ['certain', null],
      'artifacts.sse-kms-customer-managed': ['certain', null],
      'tracking.aws-owned': ['certain', {}],
      'tracking.aws-managed': ['certain', null],
      'tracking.customer-managed': ['certain', null],
    });
  });

  it('is by the names where the resources are in nested stacks', () => {
    expect(proposed(withNestedRole)).toEqual({
      ...ofStandIn,
      subscriber: likely(ofStandIn.subscriber),
      boundary: likely(ofStandIn.boundary),
    });
    const { customToken, ...others } = ofStandIn;
    expect(proposed(withNestedWhole)).toEqual({
      ...Object.fromEntries(Object.entries(others).map(([name, part]) => [name, likely(part)])),
      customToken,
    });
  });

  it('sets what bucket and table have in common in every choice of both, so that different choices contradict', () => {
    const off = { UseKms: 'no', KeyArn: '' };
    const own = { UseKms: 'yes', KeyArn: '{keyArn}' };
    expect(proposed(withSwitches)).toMatchObject({
      'artifacts.sse-s3': ['certain', off],
      'artifacts.sse-kms-aws-managed': ['certain', { UseKms: 'yes', KeyArn: '' }],
      'artifacts.sse-kms-customer-managed': ['certain', own],
      'tracking.aws-owned': ['certain', off],
      'tracking.aws-managed': ['certain', { UseKms: 'yes', KeyArn: '' }],
      'tracking.customer-managed': ['certain', own],
    });
  });

  it('is the same under any names and in any order, where the resources show it', () => {
    const names = ['SubscriberName', 'S3EncryptionOption', 'S3KmsKeyArn', 'UseBoundaryPolicy', 'BoundaryPolicyARN'];
    const others = fc.uniqueArray(fc.stringMatching(/^X[A-Za-z0-9]{3,12}$/), {
      minLength: names.length,
      maxLength: names.length,
    });
    const rename = (text: string, renamed: readonly string[]) =>
      text.replaceAll(/\w+/g, (word) => renamed[names.indexOf(word)] ?? word);
    const parsed = JSON.stringify(parseTemplate(standIn));
    fc.assert(
      fc.property(others, fc.boolean(), (renamed, isReversed) => {
        const template: Template = JSON.parse(rename(parsed, renamed));
        const parameters = isReversed ? template.parameters.toReversed() : template.parameters;
        const found = [...proposeMap({ ...template, parameters })].map(([name, part]) => [
          name,
          [part.sureness, part.parameters],
        ]);
        expect(Object.fromEntries(found)).toEqual(JSON.parse(rename(JSON.stringify(ofStandIn), renamed)));
      }),
    );
  });

  it('asks instead of choosing between two of a kind', () => {
    const twice = (name: string) =>
      standIn.replace(
        '\nConditions:',
        `  ${name}: { Type: String, Description: Custom token, NoEcho: true }\n\nConditions:`,
      );
    const nested = withNestedWhole.replace(
      '\nResources:',
      '  OtherBucketKmsKeyArn: { Type: String, Default: "" }\n\nResources:',
    );
    expect(proposed(twice('OtherToken')).customToken?.[0]).toBe('unsure');
    expect(proposed(nested)['artifacts.sse-kms-customer-managed']?.[0]).toBe('unsure');
    expect(proposed(nested)['tracking.customer-managed']?.[0]).toBe('likely');
  });

  it('asks when several values do the same, and none has the name', () => {
    const doubled = standIn
      .replace('[sse-s3, sse-kms-aws-managed-key,', '[plain, none, sse-kms-aws-managed-key,')
      .replace('Default: sse-s3', 'Default: sse-kms-aws-managed-key');
    expect(proposed(doubled)['artifacts.sse-s3']?.[0]).toBe('unsure');
    expect(proposed(doubled)['artifacts.sse-kms-aws-managed']).toEqual(ofStandIn['artifacts.sse-kms-aws-managed']);
  });

  it('has no boundary when one of the roles cannot have one', () => {
    const withRole = standIn.replace(
      '\nOutputs:',
      '\n  OtherRole:\n    Type: AWS::IAM::Role\n    Properties: { AssumeRolePolicyDocument: {} }\n\nOutputs:',
    );
    expect(proposed(withRole).boundary).toEqual(['unsure', null]);
  });

  it('finds nothing in a template that shows nothing and has no names', () => {
    const text =
      'Parameters: { A: { Type: String }, B: { Type: String } }\nResources: { T: { Type: "AWS::SNS::Topic" } }\n';
    const found = proposed(text);
    expect(found.subscriber).toBeUndefined();
    expect(found.customToken).toBeUndefined();
    expect(Object.values(found).every(([sureness]) => sureness === 'unsure')).toBe(true);
  });
});
