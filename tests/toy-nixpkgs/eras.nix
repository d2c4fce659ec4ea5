# How cudaPackages told about capabilities in each era of nixpkgs (lib/cuda.h), and what it did with
# config.cudaCapabilities. A revision of the toy is of the era that its file era.nix says:
#   { era = "E1"; cuda = "11.8"; default = [ "7.5" "8.6" ]; supported = [ "7.5" "8.0" "8.6" ]; }
{ config, revision }:
let
  inherit (builtins) elem elemAt filter length;
  own = { era = "E4"; cuda = "12.8"; default = [ "7.5" "8.0" "8.6" "8.9" "9.0" ];
    supported = [ "5.0" "5.2" "6.0" "6.1" "7.0" "7.5" "8.0" "8.6" "8.7" "8.9" "9.0" "9.0a" "10.0" "10.0a" "10.1" "10.1a" "12.0" "12.0a" ]; } // revision;
  asked = config.cudaCapabilities or [ ];
  forward = config.cudaForwardCompat or true;
  obeys = own.era != "E0";
  caps = if obeys && asked != [ ] then asked else own.default;
  last = elemAt caps (length caps - 1);
  ptx = if forward && obeys then [ "${last}+PTX" ] else [ ];
  isJetson = elem "8.7" caps;
  unknown = filter (c: !(elem c own.supported)) caps;

  # What only forcing something of cudaPackages finds out.
  validated = value:
    if own.era == "E4" && unknown != [ ] then throw "CUDA capabilities: unrecognized or unsupported by CUDA ${own.cuda}: ${toString unknown}"
    else if elem own.era [ "E3" "E4" ] && isJetson && length caps > 1 then throw "Cannot build Jetson capabilities with others"
    else value;
  version = { cudaMajorMinorVersion = own.cuda; };
  era = {
    E0 = { };
    E1 = { cudaVersion = own.cuda; cudaFlags = { cudaCapabilities = caps ++ ptx; cudaRealCapabilities = caps; enableForwardCompat = forward; }; };
    E2 = { cudaVersion = own.cuda;
      cudaFlags = { cudaCapabilities = caps; enableForwardCompat = forward; realArches = [ ]; cudaSupportedCapabilities = own.supported; }; };
    E3 = version // { flags = { cudaCapabilities = caps; enableForwardCompat = forward; gencodeString = ""; isJetsonBuild = validated isJetson;
      supportedCapabilities = own.supported; }; };
    E4 = version // { _cuda = { }; flags = { cudaCapabilities = validated caps; cudaForwardCompat = forward; isJetsonBuild = isJetson; };
      backendStdenv.supportedCudaCapabilities = own.supported; };
  };
in {
  gencode = validated (caps ++ ptx);
  caps = validated caps;
  inherit last;
  cudaPackages = era.${own.era};
}
