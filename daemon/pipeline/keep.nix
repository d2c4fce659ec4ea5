# A derivation that is never built: it only refers to store paths, so that one garbage collector root
# on it keeps them all. The paths come as JSON in a file; storePath fails for one that is not valid.
{ requestFile }:
derivation {
  name = "capq-keep";
  system = "none";
  builder = "none";
  paths = map builtins.storePath (builtins.fromJSON (builtins.readFile (/. + requestFile)));
}
