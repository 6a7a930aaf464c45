/** The text of a bundled module: see build.mjs. */
declare module "worker:*" {
  const script: string;
  export default script;
}
