# Evaluates many attributes of one nixpkgs for one context. Everything that varies comes as data: the
# name of a tree and the name of a file with JSON. Nothing is ever pasted into this text.
#
#   { mark, system, config, overlays, attrs: [[element, ...], ...], catch, probe, support, jetsons,
#     isJetson }
#
# Results leave through builtins.trace, one line each, so that they are known even if a later
# attribute ends the process: MARK{"begin":i}, then MARK{"end":i, ...}. With `catch`, what tryEval can
# catch is reported as {"thrown":true}; without, its message ends the process, for a person to read.
#
# A package that can be built for some capabilities only says so in passthru: all that it supports
# (supportedCudaCapabilities), or what it took of those that it was asked for (cudaCapabilities). Then
# it is asked again for all that the revision has, in a nixpkgs of its own that is only made for that; what
# it takes of these it supports. Its answer comes with the result, {"supports":[...]}; with `support`,
# for what is known to end the process with a message, before that.
#
# With `probe`, the revision is asked first what it can build for: MARK{"probe":{...}}, see lib/probe.h.
{ nixpkgs, requestFile }:
let
  request = builtins.fromJSON (builtins.readFile (/. + requestFile));
  load = config: import (/. + nixpkgs) {
    inherit (request) system;
    inherit config;
    overlays = map (path: import (/. + path)) request.overlays;
  };
  pkgs = load request.config;

  # What can be caught is as if it were not there.
  quiet = value: let result = builtins.tryEval (builtins.deepSeq value value); in if result.success then result.value else null;
  text = value: if builtins.isString value then builtins.substring 0 16 value else null;
  texts = value:
    if builtins.isList value
    then builtins.genList (i: text (builtins.elemAt value i)) (let n = builtins.length value; in if n < 64 then n else 64)
    else null;

  # With no set configured, the lists are the revision's own. Its names for them have changed with time.
  probe =
    let
      plain = load (removeAttrs request.config [ "cudaCapabilities" "cudaForwardCompat" ]);
      cuda = plain.cudaPackages or { };
      flags = cuda.flags or cuda.cudaFlags or { };
      backend = cuda.backendStdenv or { };
      names = set: list: builtins.filter (name: set ? ${name}) list;
      ptx = flags.cudaForwardCompat or flags.enableForwardCompat or null;
    in {
      attrs = names plain [ "_cuda" "cudaPackages" "cudatoolkit" ] ++ names cuda [ "_cuda" "flags" "cudaFlags" "isJetsonBuild" ]
        ++ names flags [ "cudaRealCapabilities" "gencodeString" "isJetsonBuild" ]
        ++ names backend [ "supportedCudaCapabilities" ];
      cuda = quiet (text (cuda.cudaMajorMinorVersion or cuda.cudaVersion or null));
      default = quiet (texts (flags.cudaCapabilities or null));
      ptx = quiet (if builtins.isBool ptx then ptx else null);
      supported = quiet (texts (backend.supportedCudaCapabilities or flags.supportedCapabilities or flags.cudaSupportedCapabilities or null));
    };

  # Names that a person may have meant: about as long as the one that is missing.
  similar = name: set:
    builtins.filter
      (n: let d = builtins.stringLength n - builtins.stringLength name; in d <= 2 && d >= -2)
      (builtins.attrNames set);

  # Walk to an attribute. A missing one is told apart here because it could not be caught.
  walk = value: path:
    if path == [ ] then { found = value; }
    else if !(builtins.isAttrs value) then { notASet = builtins.head path; }
    else if !(value ? ${builtins.head path}) then {
      missing = builtins.head path;
      similar = similar (builtins.head path) value;
    }
    else walk value.${builtins.head path} (builtins.tail path);

  # `8.6+PTX` once stood among the others.
  plainOf = name: builtins.head (builtins.split "\\+" name);
  took = value: quiet (
    if (value.cudaSupport or true) == true && builtins.isList (value.cudaCapabilities or null)
    then map plainOf (texts value.cudaCapabilities)
    else null);
  wide = load (request.config // {
    cudaForwardCompat = false;
    cudaCapabilities = builtins.filter (c: builtins.elem c request.jetsons == request.isJetson) probe.supported;
  });
  supports = path: value:
    if value ? supportedCudaCapabilities then quiet (texts value.supportedCudaCapabilities)
    else let
      some = took value;
      all = took ((walk wide path).found or null);
    in
      if some == null || builtins.all (c: builtins.elem c some) request.config.cudaCapabilities then null
      else if quiet (probe.supported != null && all != null) == true then all
      else some;

  describe = path: value:
    if !(builtins.isAttrs value) || (value.type or null) != "derivation" then { notADerivation = builtins.typeOf value; }
    else { drvPath = builtins.unsafeDiscardStringContext value.drvPath; supports = quiet (supports path value); };

  evaluate = path: let at = walk pkgs path; in if at ? found then describe path at.found else at;

  attempt = path:
    if request.catch then
      let
        value = evaluate path;
        result = builtins.tryEval (builtins.deepSeq value value);
      in if result.success then result.value else { thrown = true; }
    else evaluate path;

  say = value: builtins.trace (request.mark + builtins.toJSON value) null;

  one = i:
    let
      path = builtins.elemAt request.attrs i;
      result = attempt path;
      before = if request.support then say { supportsOf = i; supports = quiet (supports path (walk pkgs path).found); } else null;
    in builtins.seq (say { begin = i; }) (builtins.seq before (builtins.deepSeq result (say (result // { end = i; }))));
in
builtins.seq (if request.probe then let answer = quiet probe; in say { probe = if answer == null then { } else answer; } else null)
  (builtins.foldl' (done: i: builtins.seq (one i) done) null
    (builtins.genList (i: i) (builtins.length request.attrs)))
