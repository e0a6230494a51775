import { describe, expect, it } from 'vitest';
import { targetOf } from '../../../../cli/target/target.ts';

const url = 'http://sandbox.example:4566';

describe('a stage that is named where AWS_ENDPOINT_URL is set', () => {
  it.each([
    ['by an option', { stage: 'dev' }, {}, undefined],
    ['by the shell', {}, { INFINSTOR_STAGE: 'dev' }, undefined],
    ['by the file', {}, {}, { stage: 'dev' }],
  ])('%s is one of the sandbox there, when nothing else of AWS is known', (_, options, environment, file) => {
    expect(targetOf(options, { ...environment, AWS_ENDPOINT_URL: url }, file)).toEqual({
      kind: 'endpoint',
      stage: 'dev',
      url,
    });
  });

  it.each([
    ['the shell has keys', {}, { AWS_ACCESS_KEY_ID: 'AKIA' }, undefined],
    ['the shell has a profile', {}, { AWS_PROFILE: 'ops' }, undefined],
    ['the shell has a Region', {}, { AWS_REGION: 'us-east-1' }, undefined],
    ['the shell has a Region for the AWS CLI', {}, { AWS_DEFAULT_REGION: 'us-east-1' }, undefined],
    ['a profile is named', { profile: 'ops' }, {}, undefined],
    ['a Region is named', { region: 'us-east-1' }, {}, undefined],
    ['the file has a profile of it', {}, {}, { stage: 'dev', profile: 'ops' }],
    ['the endpoint is one of AWS', {}, { AWS_ENDPOINT_URL: 'https://vpce-1.example' }, undefined],
    ['the SDKs are to ignore it', {}, { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }, undefined],
  ])('is reached with the credentials of the shell when %s', (_, options, environment, file) => {
    expect(targetOf({ stage: 'dev', ...options }, { AWS_ENDPOINT_URL: url, ...environment }, file)).toMatchObject({
      kind: 'stage',
      stage: 'dev',
    });
  });
});
