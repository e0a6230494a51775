import { answered, call, fact, type RecordedTest, type Recordings, refused, type Step } from '../fact.ts';
import {
  create,
  created,
  deleted,
  deprecated,
  described,
  keep,
  list,
  notFound,
  noValue,
  put,
  remove,
  secret,
  value,
  version,
  withDeprecated,
} from './secret-answers.ts';

/** Names that look like those with AWS's suffix, and others. */
function createAndUpdate(name: string, isFound: boolean): RecordedTest {
  const Name = `${isFound ? 'Valid' : 'Invalid'}/_+=.@-Name${name}`;
  const partial = `arn:aws:secretsmanager:us-east-1:111111111111:secret:${Name}`;
  const first = value(Name, 'my_secret', '$first');
  return {
    test: `TestSecretsManager::test_create_and_update_secret[${Name}${isFound ? '' : '-False'}]`,
    date: isFound ? '2024-03-15' : '2022-09-28',
    steps: [
      fact(
        'create_secret_rs_1',
        'CreateSecret',
        { Name, SecretString: 'my_secret', Description: 'Testing secret creation.' },
        created(Name),
        { keep },
      ),
      fact('get_secret_value_rs_1', 'GetSecretValue', { SecretId: Name }, first),
      fact(
        'describe_secret_rs_1',
        'DescribeSecret',
        { SecretId: Name },
        described(Name, {
          Description: 'Testing secret creation.',
          LastAccessedDate: '(date)',
          VersionIdsToStages: { $first: ['AWSCURRENT'] },
        }),
      ),
      fact('get_secret_value_rs_2', 'GetSecretValue', { SecretId: '$arn' }, first),
      fact(
        isFound ? 'get_secret_value_rs_3' : 'resource_not_found_dict_1',
        'GetSecretValue',
        { SecretId: partial },
        isFound ? first : notFound,
      ),
      fact('put_secret_value_rs_1', 'PutSecretValue', { SecretId: Name, SecretString: 'new_secret' }, put(Name), {
        keep: { second: 'VersionId' },
      }),
      fact('get_secret_value_rs_4', 'GetSecretValue', { SecretId: Name }, value(Name, 'new_secret', '$second')),
      fact('delete_secret_res_1', 'DeleteSecret', { SecretId: Name, ForceDeleteWithoutRecovery: true }, deleted(Name)),
    ],
  };
}

/** A name that no secret can have, at each operation. */
function invalidName(SecretId: string): RecordedTest {
  const expected = refused(
    'ValidationException',
    'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
  );
  return {
    test: `TestSecretsManager::test_invalid_secret_name[${SecretId}]`,
    date: '2024-03-15',
    steps: [
      fact('ex_log_1', 'CreateSecret', { Name: SecretId, SecretString: 'MySecretString' }, expected),
      fact('ex_log_2', 'DeleteSecret', { SecretId, ForceDeleteWithoutRecovery: true }, expected),
      fact('ex_log_3', 'DescribeSecret', { SecretId }, expected),
      fact('ex_log_4', 'GetSecretValue', { SecretId }, expected),
      fact('ex_log_5', 'ListSecretVersionIds', { SecretId, IncludeDeprecated: true }, expected),
      fact('ex_log_6', 'PutSecretValue', { SecretId, SecretString: 'MySecretString' }, expected),
    ],
  };
}

/** Labels of the caller's own move from version to version, and a version that has none left is not listed. */
function labels(name: string, second: readonly string[], left: readonly string[]): RecordedTest {
  const Name = `labels-${name}`;
  const putLabels = (key: string, SecretString: string, VersionStages: readonly string[], kept: string) =>
    fact(key, 'PutSecretValue', { SecretId: Name, SecretString, VersionStages }, put(Name, [...VersionStages].sort()), {
      keep: { [kept]: 'VersionId' },
    });
  return {
    test: `TestSecretsManager::test_non_versioning_version_stages_${name}`,
    date: '2024-03-15',
    steps: [
      create(Name, 'S0'),
      putLabels('put_secret_value_res_0', 'S1', ['one', 'two', 'three'], 'second'),
      list(
        'list_secret_version_ids_res_0',
        Name,
        version('$first', ['AWSCURRENT']),
        version('$second', ['one', 'three', 'two']),
      ),
      putLabels('put_secret_value_res_1', 'S2', second, 'third'),
      list(
        'list_secret_version_ids_res_1',
        Name,
        version('$first', ['AWSCURRENT']),
        ...(left.length > 0 ? [version('$second', left)] : []),
        version('$third', [...second].sort()),
      ),
      remove('delete_secret_res_0', Name),
    ],
  };
}

const made = (Name: string): Step => call('CreateSecret', { Name, SecretString: 'a' }, { keep });
const stages = ['SAMPLESTAGE0', 'SAMPLESTAGE1'];
const putAndGet = (Name: string, number: number, labels: readonly string[], current: string): Step[] => [
  fact(
    `put_secret_value_res_${number}`,
    'PutSecretValue',
    { SecretId: Name, SecretString: `secret_string_v${number}`, VersionStages: labels },
    put(Name, labels),
    { keep: { last: 'VersionId' } },
  ),
  fact(
    `get_secret_value_res_${number}`,
    'GetSecretValue',
    { SecretId: Name },
    value(Name, current, current === 'secret_string_v0' ? '$first' : '$last'),
  ),
];

export const secretsmanager: Recordings = {
  service: 'secretsmanager',
  file: 'secretsmanager/test_secretsmanager.snapshot.json',
  tests: [
    createAndUpdate('-a1b2', true),
    createAndUpdate('-a1b2c3-', true),
    createAndUpdate('-a1b2c3', false),
    invalidName('Inv Name'),
    invalidName(' Inv*Name? '),
    labels('replacement', ['one', 'two', 'three', 'four'], []),
    labels('no_replacement', ['one', 'two', 'four'], ['three']),
    {
      test: 'TestSecretsManager::test_can_recreate_delete_secret',
      date: '2024-03-15',
      steps: [
        fact('create_secret_res_0', 'CreateSecret', { Name: 'again', SecretString: 'a' }, created('again'), { keep }),
        fact('delete_res_1', 'DeleteSecret', { SecretId: 'again', ForceDeleteWithoutRecovery: true }, deleted('again')),
        fact('create_secret_res_1', 'CreateSecret', { Name: 'again', SecretString: 'a' }, created('again')),
      ],
    },
    {
      test: 'TestSecretsManager::test_exp_raised_on_creation_of_secret_scheduled_for_deletion',
      date: '2024-03-15',
      steps: [
        made('scheduled'),
        fact('delete_res', 'DeleteSecret', { SecretId: 'scheduled' }, deleted('scheduled')),
        fact(
          'invalid_req_ex',
          'CreateSecret',
          { Name: 'scheduled', SecretString: 'a' },
          refused(
            'InvalidRequestException',
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
          ),
        ),
      ],
    },
    {
      test: 'TestSecretsManager::test_put_secret_value_with_version_stages',
      date: '2024-03-15',
      steps: [
        create('stages', 'secret_string_v0'),
        fact(
          'get_secret_value_res_0',
          'GetSecretValue',
          { SecretId: 'stages' },
          value('stages', 'secret_string_v0', '$first'),
        ),
        ...putAndGet('stages', 1, stages, 'secret_string_v0'),
        ...putAndGet('stages', 2, stages, 'secret_string_v0'),
        ...putAndGet('stages', 3, ['AWSPENDING'], 'secret_string_v0'),
        ...putAndGet('stages', 4, ['AWSCURRENT'], 'secret_string_v4'),
        remove('delete_secret_res_1', 'stages'),
      ],
    },
    {
      test: 'TestSecretsManager::test_create_multi_secrets_snapshot',
      date: '2022-09-28',
      steps: [
        ...['multi-1', 'multi-2', 'multi-3'].map((Name, index) =>
          call(
            'CreateSecret',
            { Name, SecretString: 'a', Description: 'Testing secrets creation.' },
            { keep: { [`arn${index}`]: 'ARN', [`v${index}`]: 'VersionId' } },
          ),
        ),
        fact(
          'list_secrets_res',
          'ListSecrets',
          { Filters: [{ Key: 'name', Values: ['multi-'] }] },
          answered({
            SecretList: [0, 1, 2].map((index) => ({
              ARN: `$arn${index}`,
              CreatedDate: '(date)',
              Description: 'Testing secrets creation.',
              LastChangedDate: '(date)',
              Name: `multi-${index + 1}`,
              SecretVersionsToStages: { [`$v${index}`]: ['AWSCURRENT'] },
            })),
          }),
        ),
      ],
    },
    {
      test: 'TestSecretsManager::test_secret_not_found',
      date: '2024-03-15',
      steps: [
        fact('get_secret_value_not_found_ex', 'GetSecretValue', { SecretId: 'nowhere' }, notFound),
        fact('list_secret_version_ids_not_found_ex', 'ListSecretVersionIds', { SecretId: 'nowhere' }, notFound),
      ],
    },
    {
      test: 'TestSecretsManager::test_secret_exists_snapshots',
      date: '2024-03-15',
      steps: [
        made('exists'),
        fact(
          'ex_log',
          'CreateSecret',
          { Name: 'exists', SecretString: 'b' },
          refused('ResourceExistsException', 'The operation failed because the secret exists already exists.'),
        ),
        remove('delete_secret_res', 'exists'),
      ],
    },
    {
      test: 'TestSecretsManager::test_create_secret_version_from_empty_secret',
      date: '2024-03-15',
      steps: [
        fact(
          'create-empty-secret',
          'CreateSecret',
          { Name: 'empty', Description: '' },
          answered({ ARN: 'arn:aws:secretsmanager:us-east-1:111111111111:secret:empty-<id>', Name: 'empty' }),
          { keep: { arn: 'ARN' } },
        ),
        fact('describe-secret', 'DescribeSecret', { SecretId: '$arn' }, described('empty')),
        fact(
          'put-secret-value',
          'PutSecretValue',
          { SecretId: '$arn', SecretString: 'example-string-to-protect' },
          put('empty'),
        ),
      ],
    },
    {
      test: 'TestSecretsManager::test_secret_restore',
      date: '2024-03-20',
      steps: [
        made('restored'),
        fact('delete_secret_res', 'DeleteSecret', { SecretId: 'restored' }, deleted('restored')),
        fact('restore_secret_res', 'RestoreSecret', { SecretId: 'restored' }, answered(secret('restored'))),
      ],
    },
    {
      test: 'TestSecretsManager::test_secret_tags',
      date: '2024-04-01',
      steps: [
        call('CreateSecret', { Name: 'tagged', Tags: [{ Key: 'tag1', Value: 'value1' }] }, { keep: { arn: 'ARN' } }),
        fact(
          'describe_secret_1',
          'DescribeSecret',
          { SecretId: 'tagged' },
          described('tagged', { Tags: [{ Key: 'tag1', Value: 'value1' }] }),
        ),
      ],
    },
    {
      test: 'TestSecretsManager::test_deprecated_secret_version_stage',
      date: '2024-03-29',
      steps: [
        fact(
          'create_secret',
          'CreateSecret',
          { Name: 'old', SecretString: 'original', Description: 'My secret' },
          created('old'),
          { keep },
        ),
        list('list_secret_version_ids', 'old', version('$first', ['AWSCURRENT'])),
        deprecated('old', 1, 'second'),
        list(
          'list_secret_version_ids_1',
          'old',
          version('$first', ['AWSPREVIOUS']),
          version('$second', ['AWSCURRENT']),
        ),
        deprecated('old', 2, 'third'),
        list(
          'list_secret_version_ids_2',
          'old',
          version('$second', ['AWSPREVIOUS']),
          version('$third', ['AWSCURRENT']),
        ),
        withDeprecated(
          'list_secret_version_ids_3',
          'old',
          version('$first'),
          version('$second', ['AWSPREVIOUS']),
          version('$third', ['AWSCURRENT']),
        ),
        deprecated('old', 3, 'fourth'),
        list(
          'list_secret_version_ids_4',
          'old',
          version('$third', ['AWSPREVIOUS']),
          version('$fourth', ['AWSCURRENT']),
        ),
        withDeprecated(
          'list_secret_version_ids_5',
          'old',
          version('$first'),
          version('$second'),
          version('$third', ['AWSPREVIOUS']),
          version('$fourth', ['AWSCURRENT']),
        ),
      ],
    },
    {
      test: 'TestSecretsManager::test_secret_version_not_found',
      date: '2024-06-13',
      steps: [
        call('CreateSecret', { Name: 'no-version' }),
        fact(
          'get_secret_value_no_version_ex',
          'GetSecretValue',
          { SecretId: 'no-version' },
          noValue('staging label: AWSCURRENT'),
        ),
        fact(
          'get_secret_value_version_not_found_ex',
          'GetSecretValue',
          { SecretId: 'no-version', VersionId: '4a1f7a4c-6d64-4b54-8f53-28f27ae0a3c1' },
          noValue('VersionId: 4a1f7a4c-6d64-4b54-8f53-28f27ae0a3c1'),
        ),
        fact(
          'get_secret_value_stage_not_found_ex',
          'GetSecretValue',
          { SecretId: 'no-version', VersionStage: 'AWSPENDING' },
          noValue('staging label: AWSPENDING'),
        ),
      ],
    },
    {
      test: 'TestSecretsManager::test_get_secret_value_errors',
      date: '2024-04-11',
      steps: [
        call('CreateSecret', { Name: 'errors', SecretString: 'test' }, { keep }),
        fact(
          'error_get_secret_value_non_existing',
          'GetSecretValue',
          { SecretId: '$arn', VersionStage: 'AWSPREVIOUS' },
          noValue('staging label: AWSPREVIOUS'),
        ),
        fact(
          'mismatch_version_id_and_stage',
          'GetSecretValue',
          { SecretId: 'errors', VersionId: '$first', VersionStage: 'AWSPREVIOUS' },
          refused(
            'InvalidRequestException',
            'You provided a VersionStage that is not associated to the provided VersionId.',
          ),
        ),
      ],
    },
    {
      test: 'TestSecretsManager::test_force_delete_deleted_secret',
      date: '2024-10-11',
      steps: [
        fact('create_secret_response', 'CreateSecret', { Name: 'forced', SecretString: 'a' }, created('forced'), {
          keep,
        }),
        fact(
          'delete_secret_response',
          'DeleteSecret',
          { SecretId: '$arn', RecoveryWindowInDays: 7 },
          deleted('forced'),
        ),
        fact(
          'describe_secret_response',
          'DescribeSecret',
          { SecretId: '$arn' },
          described('forced', { DeletedDate: '(date)', VersionIdsToStages: { $first: ['AWSCURRENT'] } }),
        ),
        fact(
          'force_delete_secret_response',
          'DeleteSecret',
          { SecretId: '$arn', ForceDeleteWithoutRecovery: true },
          deleted('forced'),
        ),
      ],
    },
  ],
};
