# A self-contained stand-in for nixpkgs: no network, no bootstrap, only /bin/sh and
# coreutils of the host.  Same call shape as the real one:
#   import ./. { system = "x86_64-linux"; config = { cudaSupport = true;
#     cudaCapabilities = [ "8.6" ]; cudaForwardCompat = false; allowUnfree = true; }; }
# config.toy steers the simulation:
#   delay    seconds per unit of cost (float allowed)      salt  changes every hash
#   sizeKiB  incompressible payload per unit of cost       mode  { <pname> = "fail" | "hang" | "noisy" | "flaky"; }
#   flag     path a "flaky" package needs to exist         cpu   burn CPU instead of sleeping
#   journal  file to which each builder adds "start OUT" and "end OUT"
# Packages of `gpu` hold real GPU code, put together from ./code (tests/support/gpu_images.py).
{ system ? builtins.currentSystem, config ? { }, overlays ? [ ], ... }:
let
  inherit (builtins) concatStringsSep elem foldl' length map toString;

  cfg = {
    cudaSupport = false; cudaCapabilities = [ ]; cudaForwardCompat = true;
    allowUnfree = false; allowBroken = false; toy = { };
  } // config;
  toy = { delay = 0; sizeKiB = 0; salt = ""; mode = { }; flag = "/nonexistent"; cpu = false; journal = ""; } // cfg.toy;

  # Capabilities as nixpkgs resolves them: a default list, "+PTX" on the newest for forward compatibility.
  cuda = import ./eras.nix { inherit config; revision = if builtins.pathExists ./era.nix then import ./era.nix else { }; };
  inherit (cuda) gencode caps last;

  script = builtins.toFile "toy-builder.sh" ''
    PATH=/usr/bin:/bin; export PATH; set -e
    phase() { echo "@nix { \"action\": \"setPhase\", \"phase\": \"$1\" }" >&''${NIX_LOG_FD:-2}; echo "running phase: $1"; }
    spend() { if [ "$cpu" = 1 ]; then timeout "$1" sh -c 'while :; do :; done' || :; else sleep "$1"; fi; }
    note() { [ -z "$journal" ] || echo "$1 $out" >> "$journal"; }
    note start; phase unpackPhase; echo "building $name for [$gencode] on $NIX_BUILD_CORES cores"
    case "$mode" in
      hang)  phase buildPhase; sleep 100000 ;;
      noisy) i=0; while [ $i -lt 2000 ]; do echo "cc -c unit$i.c"; i=$((i+1)); done ;;
      flaky) [ -e "$flag" ] || { echo "Temporary failure in name resolution" >&2; exit 7; } ;;
    esac
    phase buildPhase; spend "$seconds"
    if [ "$mode" = fail ]; then echo "error: $pname does not compile" >&2; exit 1; fi
    phase installPhase
    for o in $outputs; do
      eval "p=\$$o"; mkdir -p "$p/share"
      printf '%s\n' "$name" "gencode=$gencode" "salt=$salt" > "$p/share/info"
    done
    for d in $runtimeDeps; do echo "$d"; done > "$out/share/deps"
    mkdir -p "$out/bin"; printf '#!/bin/sh\necho %s\n' "$name" > "$out/bin/$pname"; chmod +x "$out/bin/$pname"
    ln -s "../bin/$pname" "$out/share/link"
    # A container (fatbin) for each unit "arch_80+ptx_80": its header, then the entries of those.
    container() {
      n=0; for i; do n=$((n + $(stat -c %s "$code/$i.fatbin") - 16)); done
      printf '\120\355\125\272\001\000\020\000'; for i in 1 2 3 4 5 6 7 8; do printf "\\$(printf %03o $((n % 256)))"; n=$((n / 256)); done
    }
    for unit in $units; do
      mkdir -p "$out/lib"; images=$(echo "$unit" | tr + ' ')
      { container $images; for i in $images; do tail -c +17 "$code/$i.fatbin"; done; } >> "$out/lib/lib$pname.fatbin"
    done
    if [ "$bytes" -gt 0 ]; then
      awk -v n="$bytes" -v s="$seed" 'BEGIN{srand(s); for(i=0;i<n;i+=4) printf "%04x", int(rand()*65536)}' > "$out/share/payload"
    fi
    note end
  '';

  # The checks of nixpkgs' check-meta: they strike when drvPath/outPath is forced, so they
  # travel to every dependent, and builtins.tryEval can catch them.
  checked = drv: let
    m = drv.meta;
    why = if m.unfree && !cfg.allowUnfree then "has an unfree license (‘CUDA EULA’)"
      else if m.broken && !cfg.allowBroken then "is marked as broken"
      else if !(elem system m.platforms) then "is not available on the requested hostPlatform"
      else null;
    guard = x: if why == null then x else throw "Package ‘${drv.name}’ ${why}, refusing to evaluate.";
  in drv // { drvPath = guard drv.drvPath; outPath = guard drv.outPath; };

  mk = pname: { version ? "1.0", cost ? 1, deps ? [ ], buildDeps ? [ ], outputs ? [ "out" ], cuda ? false
              , unfree ? false, broken ? false, platforms ? [ "x86_64-linux" "aarch64-linux" ]
              , features ? [ ], passthru ? { }, env ? { } }: let
    drv = derivation ({
      name = "${pname}-${version}"; inherit system pname version outputs;
      builder = "/bin/sh"; args = [ script ];
      gencode = if cuda then concatStringsSep " " gencode else "";
      seconds = toString (cost * toy.delay); bytes = toString (cost * toy.sizeKiB * 1024);
      seed = toString cost; cpu = if toy.cpu then "1" else "0";
      mode = toy.mode.${pname} or ""; flag = if toy.mode.${pname} or "" == "flaky" then toy.flag else "";
      salt = toy.salt; runtimeDeps = map (d: d.outPath) deps; buildTools = map (d: d.outPath) buildDeps;
    } // (if toy.journal == "" then { } else { inherit (toy) journal; }) // (if features == [ ] then { } else { requiredSystemFeatures = features; }) // env);
  in checked (drv // passthru // {
    inherit pname version passthru;
    meta = { inherit unfree broken platforms; description = "toy ${pname}"; outputsToInstall = [ "out" ]; };
  });

  # A fixed-output "download": the same store path whatever salt or delay, like a fetched source.
  src = pname: derivation {
    name = "${pname}-src"; inherit system; builder = "/bin/sh";
    args = [ "-c" "echo source of ${pname} > $out" ]; outputHashMode = "flat"; outputHashAlgo = "sha256";
    outputHash = builtins.hashString "sha256" "source of ${pname}\n";
  };

  scope = f: let s = f s // { recurseForDerivations = true; }; in s;
  ifCuda = xs: if cfg.cudaSupport then xs else [ ];

  base = pkgs: {
    inherit system; config = cfg;
    stdenv = mk "stdenv" { cost = 1; } // { hostPlatform = { inherit system; }; };
    cmake = mk "cmake" { buildDeps = [ pkgs.stdenv ]; cost = 2; };
    openblas = mk "openblas" { buildDeps = [ pkgs.stdenv ]; outputs = [ "out" "dev" ]; cost = 3; env.src = src "openblas"; };
    python3 = mk "python3" { version = "3.12.7"; buildDeps = [ pkgs.stdenv ]; cost = 2; passthru.pkgs = pkgs.python3Packages; };
    magma = mk "magma" { cuda = true; deps = [ pkgs.openblas pkgs.cudaPackages.libcublas ]; cost = 8; features = [ "big-parallel" ]; };
    cudaPackages = scope (cu: let red = n: c: mk n { version = "12.4"; unfree = true; cost = c; env.src = src n; }; in {
      cuda_nvcc = red "cuda_nvcc" 1; cuda_cudart = red "cuda_cudart" 1; libcublas = red "libcublas" 4;
      cudnn = mk "cudnn" { version = "9.3"; unfree = true; deps = [ cu.cuda_cudart cu.libcublas ]; cost = 4; };
      nccl = mk "nccl" { cuda = true; deps = [ cu.cuda_cudart ]; buildDeps = [ cu.cuda_nvcc ]; cost = 3; features = [ "big-parallel" ]; };
      cudatoolkit = mk "cudatoolkit" { unfree = true; deps = [ cu.cuda_nvcc cu.cuda_cudart cu.libcublas ]; cost = 2; };
    } // cuda.cudaPackages);
    python3Packages = scope (py: {
      numpy = mk "numpy" { version = "1.26"; deps = [ pkgs.python3 pkgs.openblas ]; buildDeps = [ pkgs.openblas.dev ]; cost = 3; };
      triton = mk "triton" { cuda = cfg.cudaSupport; deps = [ pkgs.python3 ]; buildDeps = [ pkgs.cmake ] ++ ifCuda [ pkgs.cudaPackages.cuda_nvcc ]; cost = 4; };
      torch = mk "torch" { version = "2.5.1"; cuda = cfg.cudaSupport; outputs = [ "out" "dev" "lib" ]; cost = 12; features = [ "big-parallel" ];
        deps = [ py.numpy ] ++ ifCuda [ py.triton pkgs.magma pkgs.cudaPackages.cudnn pkgs.cudaPackages.nccl ]; buildDeps = [ pkgs.cmake ]; env.src = src "torch";
        passthru.tests.gpu = mk "torch-gpu-test" { deps = [ py.torch ]; features = [ "cuda" ]; }; };
      torchvision = mk "torchvision" { cuda = cfg.cudaSupport; deps = [ py.torch ]; cost = 4; };
      jaxlib = mk "jaxlib" { version = "0.4.28"; cuda = cfg.cudaSupport; deps = [ py.numpy ] ++ ifCuda [ pkgs.cudaPackages.cudnn ]; cost = 9; };
      jax = mk "jax" { version = "0.4.28"; deps = [ py.jaxlib ]; };
      cupy = assert cfg.cudaSupport || throw "cupy needs cudaSupport"; mk "cupy" { cuda = true; deps = [ py.numpy pkgs.cudaPackages.cudatoolkit ]; cost = 5; };
      # Two that support some capabilities only: one says which, one takes what it can, as torch does.
      flash-attn = mk "flash-attn" { cuda = true; passthru.supportedCudaCapabilities = [ "8.0" "9.0" ]; };
      picky = let taken = builtins.filter (c: elem c [ "7.5" "8.0" "8.6" ]) caps; in mk "picky" {
        passthru = { cudaSupport = true; cudaCapabilities = taken; };
        env.gencode = if taken == [ ] then throw "No supported GPU targets specified" else toString taken; };
      broken-pkg = mk "broken-pkg" { broken = true; }; darwin-only = mk "darwin-only" { platforms = [ "aarch64-darwin" ]; };
    });
    blender = mk "blender" { version = "4.2"; cuda = cfg.cudaSupport; deps = [ pkgs.python3 ] ++ ifCuda [ pkgs.cudaPackages.cuda_cudart ]; cost = 6; };
    # Real GPU code. Who obeys holds what is asked for; the others are as packages of nixpkgs are: PTX of
    # every capability (bare numbers for CMake), a list of its own, a unit for one capability alone.
    gpu = scope (gpu: let
      names = prefix: map (c: prefix + builtins.replaceStrings [ "." ] [ "" ] c);
      asked = names "arch_" caps ++ (if cfg.cudaForwardCompat then names "ptx_" [ (builtins.elemAt caps (length caps - 1)) ] else [ ]);
      holds = pname: units: more: mk pname ({ env = { code = ./code; units = concatStringsSep " " (map (concatStringsSep "+") units); }; } // more);
    in {
      obeys = holds "obeys" [ asked asked ] { cuda = true; };
      ptx-everywhere = holds "ptx-everywhere" [ (names "arch_" caps ++ names "ptx_" caps) ] { cuda = true; };
      ignores = holds "ignores" [ [ "arch_86" ] ] { };
      differs = holds "differs" [ asked [ "arch_90" ] ] { cuda = true; };
      user = mk "user" { deps = [ gpu.ignores ]; };
    });
    # One attribute for each way an evaluation can go wrong. `endless` never ends and `hungry` takes
    # memory for ever: Nix ignores SIGTERM while it evaluates, so only a kill ends them.
    evalErrors = {
      throws = throw "thrown"; asserts = assert false; pkgs.stdenv; aborts = abort "aborted";
      missingAttr = { }.nope; typeError = "a" + 1; recursion = let x = x; in x; missingFile = import ./does-not-exist.nix;
      missingArg = ({ a }: a) { }; notADerivation = { foo = 1; }; badDerivation = derivation { name = "x y"; inherit system; builder = "b"; };
      deep = let f = n: 1 + f (n + 1); in f 0; ifdFails = import (mk "ifd" { cost = 0; env.mode = "fail"; });
      outside = builtins.readFile /etc/passwd; throughLink = builtins.readFile ./link; fetched = builtins.fetchurl "file:///etc/passwd";
      home = builtins.readDir (builtins.getEnv "HOME");
      endless = let loop = n: if n == 0 then 0 else foldl' (a: i: loop (n - 1)) 0 (builtins.genList (i: i) 1000); in loop 20;
      hungry = length (builtins.genericClosure {
        startSet = [ { key = 0; } ];
        operator = x: [ { key = x.key + 1; food = builtins.genList (i: i + x.key) 1000; } ];
      });
    };
  };
  apply = pkgs: foldl' (prev: o: prev // o pkgs prev) (base pkgs) overlays;
  pkgs = apply pkgs;
in pkgs
