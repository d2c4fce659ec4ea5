# Evaluates many attributes of one nixpkgs for one context. Everything that varies comes as data: the
# name of a tree and the name of a file with JSON. Nothing is ever pasted into this text.
#
#   { mark, system, config, overlays, attrs: [[element, ...], ...], catch, probe }
#
# Results leave through builtins.trace, one line each, so that they are known even if a later
# attribute ends the process: MARK{"begin":i}, then MARK{"end":i, ...}. With `catch`, what tryEval can
# catch is reported as {"thrown":true}; without, its message ends the process, for a person to read.
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

  describe = value:
    if !(builtins.isAttrs value) || (value.type or null) != "derivation" then { notADerivation = builtins.typeOf value; }
    else { drvPath = builtins.unsafeDiscardStringContext value.drvPath; };

  evaluate = path: let at = walk pkgs path; in if at ? found then describe at.found else at;

  attempt = path:
    if request.catch then
      let
        value = evaluate path;
        result = builtins.tryEval (builtins.deepSeq value value);
      in if result.success then result.value else { thrown = true; }
    else evaluate path;

  say = value: builtins.trace (request.mark + builtins.toJSON value) null;

  one = i:
    let result = attempt (builtins.elemAt request.attrs i);
    in builtins.seq (say { begin = i; }) (builtins.deepSeq result (say (result // { end = i; })));
in
builtins.seq (if request.probe then let answer = quiet probe; in say { probe = if answer == null then { } else answer; } else null)
  (builtins.foldl' (done: i: builtins.seq (one i) done) null
    (builtins.genList (i: i) (builtins.length request.attrs)))
