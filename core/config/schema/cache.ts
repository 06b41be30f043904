/** `[runners.cache]`: where caches are kept. */

import { bool, int, optionalBool, secret, text } from "../keys.ts";
import { table } from "../tables.ts";

export const cacheKeys = {
  Type: text("s3, gcs or azure"),
  Path: text("prefix inside bucket"),
  Shared: bool("drop runner token part of the object path"),
  MaxUploadedArchiveSize: int("bytes; bigger archives are not uploaded", {
    flag: "--cache-max_uploaded_archive_size",
    env: "CACHE_MAXIMUM_UPLOADED_ARCHIVE_SIZE",
  }),
  s3: table("S3 adapter", {
    ServerAddress: text("host:port of service"),
    AccessKey: text("static key"),
    SecretKey: secret("static secret"),
    SessionToken: secret("STS session token"),
    BucketName: text("bucket"),
    BucketLocation: text("region"),
    Insecure: bool("plain http"),
    AuthenticationType: text("iam or access-key", { flag: "--cache-s3-authentication_type" }),
    ServerSideEncryption: text("S3, KMS or DSSE-KMS"),
    ServerSideEncryptionKeyID: text("KMS key"),
    DualStack: bool("IPv4+IPv6 endpoints; ignored with ServerAddress", { default: true }),
    PathStyle: optionalBool("bucket in URL path"),
    Accelerate: bool("transfer acceleration endpoint"),
    RoleARN: text("role assumed for 1 h job credentials (GoCloud URL transfers)"),
    UploadRoleARN: text("separate role for uploads only"),
    AssumeRoleMaxConcurrency: int("parallel STS calls; -1 unlimited", { default: 5 }),
    DisableAssumeRoleCredentialsCaching: bool("no in-process credential reuse"),
  }, { flags: true }),
  gcs: table("Google adapter", {
    AccessID: text("service account e-mail"),
    PrivateKey: secret("PEM key"),
    CredentialsFile: text("JSON key file", { env: "GOOGLE_APPLICATION_CREDENTIALS" }),
    BucketName: text("bucket"),
    UniverseDomain: text("other Google universe", { default: "googleapis.com" }),
  }, { flags: true }),
  azure: table("Azure Blob adapter", {
    AccountName: text("storage account"),
    AccountKey: secret("shared key; empty → managed/workload identity"),
    ContainerName: text("container"),
    StorageDomain: text("endpoint domain", { default: "blob.core.windows.net" }),
  }, { flags: true }),
};
