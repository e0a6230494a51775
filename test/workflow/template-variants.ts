/** Templates of a build, by file name. */
export type PublishedTemplates = Readonly<Record<string, string>>;

const file = 'infinstor-setup-customer.yaml';

/** The names and values that `otherNames` has, as a deployment's params would say it. */
export const otherParameterMap = {
  subscriber: { Tenant: '{userName}', Contact: '{emailId}' },
  customToken: 'ServiceToken',
  artifacts: {
    'sse-s3': {},
    'sse-kms-aws-managed': { BucketEncryptionType: 'KMS' },
    'sse-kms-customer-managed': { BucketEncryptionType: 'CMK', BucketKey: '{keyArn}' },
  },
  tracking: {
    'aws-owned': {},
    'aws-managed': { TableEncryptionType: 'KMS' },
    'customer-managed': { TableEncryptionType: 'CMK', TableKey: '{keyArn}' },
  },
  boundary: { UseBoundaryPolicy: 'true', BoundaryPolicyARN: '{boundaryArn}' },
};

/** Other parameters, of which one is new, and other values. */
export const otherNames = (standIn: string): PublishedTemplates => ({
  [file]: standIn
    .replaceAll('SubscriberName', 'Tenant')
    .replaceAll('S3EncryptionOption', 'BucketEncryptionType')
    .replaceAll('S3KmsKeyArn', 'BucketKey')
    .replaceAll('DynamoDbEncryptionOption', 'TableEncryptionType')
    .replaceAll('DynamoDbKmsKeyArn', 'TableKey')
    .replaceAll(/\b(?:sse-kms-|aws-)customer-managed-key|\bcustomer-managed-key/g, 'CMK')
    .replaceAll(/\bsse-kms-aws-managed-key|\baws-managed-key/g, 'KMS')
    .replace('\n  CustomToken:', '\n  ServiceToken:')
    .replace('!Ref CustomToken', '!Ref ServiceToken')
    .replace('\nConditions:', '\n  Contact:\n    Type: String\n\nConditions:'),
});

export const withoutNoEcho = (standIn: string): PublishedTemplates => ({
  [file]: standIn.replace('    NoEcho: true\n', ''),
});

/** Exports under names that do not depend on the subscriber: only one stack in an account and Region can have them. */
export const withFixedExports = (standIn: string): PublishedTemplates => ({
  [file]: standIn.replaceAll(/(\n {6}Name: )!Sub "(InfinStor\w+)-\$\{SubscriberName\}"/g, '$1$2'),
});

export const atPath = (standIn: string): PublishedTemplates => ({
  [file]: standIn.replace('      RoleName:', '      Path: /infinstor/\n      RoleName:'),
});

/** 116 more, which the role waits for: it comes late in the list. */
export const with120Resources = (standIn: string): PublishedTemplates => {
  const names = Array.from({ length: 116 }, (_, index) => `Extra${index}`);
  const extras = names.map((name) => `  ${name}:\n    Type: AWS::S3::Bucket\n`).join('');
  return {
    [file]: standIn
      .replace('\nResources:\n', `\nResources:\n${extras}`)
      .replace('    Type: AWS::IAM::Role\n', `    Type: AWS::IAM::Role\n    DependsOn: [${names.join(', ')}]\n`),
  };
};

/** The role is made by a template of its own. */
export function nestedRole(standIn: string): PublishedTemplates {
  const role = /\n {2}ServiceRole:\n {4}Type: AWS::IAM::Role\n[\s\S]*?(?=\n {2}#[^\n]*\n {2}Subscriber:)/.exec(
    standIn,
  )?.[0];
  if (role === undefined) throw new Error('The stand-in has no role');
  const nested = `
  Access:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: https://s3.amazonaws.com/infinstorcft/9.9.9/access.yaml
      Parameters:
        SubscriberName: !Ref SubscriberName
        BoundaryPolicyARN: !Ref BoundaryPolicyARN
        BucketArn: !GetAtt ArtifactsBucket.Arn
        TableArn: !GetAtt TrackingTable.Arn
`;
  return {
    [file]: standIn.replace(role, nested).replaceAll('!GetAtt ServiceRole.Arn', '!GetAtt Access.Outputs.RoleArn'),
    'access.yaml': `
Parameters:
  SubscriberName: { Type: String }
  BoundaryPolicyARN: { Type: String }
  BucketArn: { Type: String }
  TableArn: { Type: String }

Resources:${role
      .replace('\n  ServiceRole:', '\n  Role:')
      .replace('!If [UseBoundary, !Ref BoundaryPolicyARN, !Ref AWS::NoValue]', '!Ref BoundaryPolicyARN')
      .replaceAll('!GetAtt ArtifactsBucket.Arn', '!Ref BucketArn')
      .replaceAll('${ArtifactsBucket.Arn}', '${BucketArn}')
      .replaceAll('!GetAtt TrackingTable.Arn', '!Ref TableArn')}

Outputs:
  RoleArn:
    Value: !GetAtt Role.Arn
`,
  };
}

/** Everything is made by the vendor's template as it is, in another one that passes its parameters on. */
export function nestedWhole(standIn: string): PublishedTemplates {
  const [head = ''] = standIn.split('\nConditions:');
  const names = [...head.matchAll(/^ {2}(\w+):$/gm)].map(([, name = '']) => name);
  return {
    [file]: `${head}
Resources:
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: https://s3.amazonaws.com/infinstorcft/9.9.9/inner.yaml
      Parameters: { ${names.map((name) => `${name}: !Ref ${name}`).join(', ')} }
`,
    // A comment, so that it is no template that was published before.
    'inner.yaml': `# As it is\n${standIn}`,
  };
}
