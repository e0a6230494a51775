import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { onboardingEnvironmentSchema } from '../../../../lib/preflight/onboarding-environment.ts';
import { checkParameters, isMasked, templateParameters } from '../../../../lib/preflight/template-parameters.ts';
import { parseRequest } from '../../../../lib/requests/onboarding.ts';
import { parseTemplate } from '../../../../sandbox/services/cloudformation/template.ts';
import { templateSummary } from '../../../../sandbox/services/cloudformation/template-checks.ts';
import { requestRules } from '../../functions/plan.ts';

const root = resolve(import.meta.dirname, '../../../..');
const read = (path: string) => readFileSync(resolve(root, path), 'utf8');

const { templateParameters: map } = v.parse(
  v.object({ templateParameters: onboardingEnvironmentSchema.entries.TEMPLATE_PARAMETERS }),
  parseYaml(read('stages/default.yml')),
);

const standIn = read('sandbox/infinstor/infinstor-setup-customer.yaml');
const summary: { Parameters: Parameter[] } = v.parse(
  v.object({ Parameters: v.array(v.looseObject({ ParameterKey: v.string() })) }),
  templateSummary(parseTemplate(standIn)),
);
interface Parameter {
  ParameterKey: string;
  DefaultValue?: string;
  ParameterType?: string;
  NoEcho?: boolean;
}

const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-1111-4111-8111-111111111111';
const otherKeyArn = 'arn:aws:kms:us-east-1:111111111111:key/22222222-2222-4222-8222-222222222222';
const request = ({ encryption = {}, parameters = {} }: { encryption?: object; parameters?: object }) =>
  parseRequest(
    { subscriber: { userName: 'acme', emailId: 'mlops@acme.example' }, encryption, stack: { parameters } },
    requestRules,
  );

/** Checks the parameters of a request against the template, or a changed one. */
function check(parameters: Record<string, string>, template = summary) {
  const accepted = templateParameters(map, request({ parameters }));
  checkParameters(template, {
    parameters: accepted,
    tokenParameter: 'CustomToken',
    requested: Object.keys(parameters),
    text: '',
  });
}
const adding = (...more: Parameter[]) => ({ Parameters: [...summary.Parameters, ...more] });
const without = (name: string) => ({
  Parameters: summary.Parameters.filter(({ ParameterKey }) => ParameterKey !== name),
});

describe("the template's parameters", () => {
  const bucket = [
    [{ type: 'sse-s3' }, { S3EncryptionOption: 'sse-s3' }],
    [{ type: 'sse-kms-aws-managed' }, { S3EncryptionOption: 'sse-kms-aws-managed-key' }],
    [
      { type: 'sse-kms-customer-managed', keyArn },
      { S3EncryptionOption: 'sse-kms-customer-managed-key', S3KmsKeyArn: keyArn },
    ],
  ] as const;
  const table = [
    [{ type: 'aws-owned' }, { DynamoDbEncryptionOption: 'aws-owned-key' }],
    [{ type: 'aws-managed' }, { DynamoDbEncryptionOption: 'aws-managed-key' }],
    [
      { type: 'customer-managed', keyArn: otherKeyArn },
      { DynamoDbEncryptionOption: 'customer-managed-key', DynamoDbKmsKeyArn: otherKeyArn },
    ],
  ] as const;
  const cases = bucket.flatMap(([artifacts, ofBucket]) =>
    table.map(([tracking, ofTable]) => ({
      name: `${artifacts.type} and ${tracking.type}`,
      encryption: { artifacts, tracking },
      expected: { SubscriberName: 'acme', ...ofBucket, ...ofTable },
    })),
  );

  it.each(cases)('say $name, in the words of the template', ({ encryption, expected }) => {
    const parameters = templateParameters(map, request({ encryption }));
    expect(parameters).toEqual(expected);
    const fit = { parameters, tokenParameter: 'CustomToken', requested: [], text: standIn };
    expect(checkParameters(summary, fit)).toEqual(['AllowedPattern', 'Rules']);
  });

  it("are the request's own beside those", () => {
    expect(templateParameters(map, request({ parameters: { VpcId: 'vpc-1' } }))).toMatchObject({
      SubscriberName: 'acme',
      VpcId: 'vpc-1',
    });
  });

  it('hold name and address of the subscriber wherever the map wants them, to the letter', () => {
    const own = { ...map, subscriber: { Contact: '{userName} <{emailId}> {userName} {other}' } };
    expect(templateParameters(own, request({})).Contact).toBe('acme <mlops@acme.example> acme {other}');
  });

  it('are refused for a choice that the template does not offer, also for the one that a request without one means', () => {
    const { 'sse-s3': _, ...artifacts } = map.artifacts;
    const { 'aws-managed': __, ...tracking } = map.tracking;
    expect(() => templateParameters({ ...map, artifacts }, request({}))).toThrow(
      expect.objectContaining({ name: 'InvalidRequest', field: 'encryption.artifacts.type' }),
    );
    const encryption = { tracking: { type: 'aws-managed' } };
    expect(() => templateParameters({ ...map, tracking }, request({ encryption }))).toThrow(
      expect.objectContaining({ name: 'InvalidRequest', field: 'encryption.tracking.type' }),
    );
    expect(templateParameters({ ...map, tracking }, request({}))).toMatchObject({ S3EncryptionOption: 'sse-s3' });
  });

  it('are refused when bucket and table share a parameter and the request wants two things of it', () => {
    const own = {
      ...map,
      artifacts: { ...map.artifacts, 'sse-kms-customer-managed': { Key: '{keyArn}' } },
      tracking: { ...map.tracking, 'customer-managed': { Key: '{keyArn}' } },
    };
    const encrypted = (key: string) => ({
      artifacts: { type: 'sse-kms-customer-managed', keyArn },
      tracking: { type: 'customer-managed', keyArn: key },
    });
    expect(templateParameters(own, request({ encryption: encrypted(keyArn) }))).toMatchObject({ Key: keyArn });
    expect(() => templateParameters(own, request({ encryption: encrypted(otherKeyArn) }))).toThrow(
      expect.objectContaining({ name: 'InvalidRequest', field: 'encryption' }),
    );
  });

  it.each(['CustomToken', 'SubscriberName', 'S3EncryptionOption'])(
    'leave no room for a %s from the request',
    (name) => {
      expect(() => templateParameters(map, request({ parameters: { [name]: 'x' } }))).toThrow(
        expect.objectContaining({ name: 'InvalidRequest', field: `stack.parameters.${name}` }),
      );
    },
  );
});

describe('a template fits', () => {
  it('when it declares every parameter that has no default of its own', () => {
    expect(() => check({})).not.toThrow();
  });

  it('with further parameters that have a default, even an empty one', () => {
    expect(() => check({}, adding({ ParameterKey: 'VpcId', DefaultValue: '' }))).not.toThrow();
  });

  it('with a parameter without a default that the request sets', () => {
    expect(() => check({ VpcId: 'vpc-1' }, adding({ ParameterKey: 'VpcId' }))).not.toThrow();
  });
});

describe('a template does not fit', () => {
  it.each([
    ['lacks a parameter of the map', 'SubscriberName'],
    ["lacks the custom token's parameter", 'CustomToken'],
  ])('when it %s', (_name, parameter) => {
    expect(() => check({}, without(parameter))).toThrow(
      expect.objectContaining({
        name: 'TemplateMismatch',
        message: `Template parameter ${parameter}: the template of this build has no such parameter`,
      }),
    );
  });

  it('when nobody sets a parameter without a default', () => {
    expect(() => check({}, adding({ ParameterKey: 'VpcId' }))).toThrow(
      expect.objectContaining({ name: 'TemplateMismatch', message: expect.stringContaining('VpcId: has no default') }),
    );
  });

  const strict = { ParameterKey: 'S3EncryptionOption', ParameterConstraints: { AllowedValues: ['AES256', 'aws:kms'] } };

  it("when it does not allow the map's value, and says what it allows", () => {
    expect(() => check({}, { Parameters: [...without('S3EncryptionOption').Parameters, strict] })).toThrow(
      expect.objectContaining({
        name: 'TemplateMismatch',
        message: 'Template parameter S3EncryptionOption: the template allows only AES256, aws:kms',
      }),
    );
  });

  it.each([
    ['does not know', { VpcId: 'vpc-1' }, summary, 'the template of this build has no such parameter'],
    [
      'does not allow',
      { VpcId: 'vpc-1' },
      adding({ ...strict, ParameterKey: 'VpcId' }),
      'the template allows only AES256, aws:kms',
    ],
  ])('by the fault of a request that sets what it %s', (_name, parameters, template, rule) => {
    expect(() => check(parameters, template)).toThrow(
      expect.objectContaining({
        name: 'InvalidRequest',
        field: 'stack.parameters.VpcId',
        message: `stack.parameters.VpcId: ${rule}`,
      }),
    );
  });
});

describe('the custom token is masked', () => {
  it.each([
    ['when its parameter has NoEcho', summary, true],
    ['not without NoEcho', { Parameters: [{ ParameterKey: 'CustomToken', NoEcho: false }] }, false],
    ['not when the template does not say', { Parameters: [{ ParameterKey: 'CustomToken' }] }, false],
    ['not by the NoEcho of another parameter', { Parameters: [{ ParameterKey: 'Other', NoEcho: true }] }, false],
  ])('%s', (_name, template, masked) => {
    expect(isMasked(template, 'CustomToken')).toBe(masked);
  });
});

it('names what only CloudFormation can decide, which it does when the stack is created', () => {
  const days = { ParameterKey: 'VpcId', DefaultValue: '1', ParameterType: 'Number' };
  const parameters = templateParameters(map, request({ parameters: { VpcId: '0x1' } }));
  const fit = { parameters, tokenParameter: 'CustomToken', requested: ['VpcId'], text: 'Rules: {}' };
  expect(checkParameters(adding(days), fit)).toEqual(['parameter VpcId (a number in this form)', 'Rules']);
});

describe('all that does not fit is named at once', () => {
  const token = { tokenParameter: 'CustomToken', text: '' };

  it('of a request', () => {
    const parameters = { ...templateParameters(map, request({})), VpcId: 'x', Colour: 'x' };
    expect(() => checkParameters(summary, { ...token, parameters, requested: ['VpcId', 'Colour'] })).toThrow(
      expect.objectContaining({
        name: 'InvalidRequest',
        faults: [
          { field: 'stack.parameters.VpcId', pointer: '/stack/parameters/VpcId', rule },
          { field: 'stack.parameters.Colour', pointer: '/stack/parameters/Colour', rule },
        ],
      }),
    );
  });

  it("of the deployment's map, and with it what is wrong with the request", () => {
    const parameters = { ...templateParameters(map, request({})), Own: 'x', Colour: 'x' };
    const requested = ['Colour'];
    expect(() => checkParameters(summary, { ...token, tokenParameter: 'Token', parameters, requested })).toThrow(
      expect.objectContaining({
        name: 'TemplateMismatch',
        message: `Template parameter Own: ${rule}; Template parameter Token: ${rule}; Template parameter CustomToken: has no default, and neither the map nor the request sets it; stack.parameters.Colour: ${rule}`,
      }),
    );
  });

  const rule = 'the template of this build has no such parameter';
});
