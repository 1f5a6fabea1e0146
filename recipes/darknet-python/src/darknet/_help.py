"""What ``darknet --help`` prints: the commands people use, each with an example."""

TEXT = """\
darknet detector train DATA CFG [WEIGHTS] [options]     learn to find objects
darknet detector test DATA CFG WEIGHTS [IMAGE]          find them in a picture: predictions.jpg
darknet detector map DATA CFG WEIGHTS                   how good: mean average precision
darknet detector valid DATA CFG WEIGHTS                 all that is found in `valid`, as files
darknet detector recall DATA CFG WEIGHTS                the part of the objects that is found
darknet detector demo DATA CFG WEIGHTS VIDEO            find objects in a video: demo.mp4
darknet detector demo DATA CFG WEIGHTS FOLDER           find objects in each frame of a folder
darknet detector calc_anchors DATA                      anchors that fit the training pictures
darknet classifier train|predict|valid DATA CFG ...     the same for whole pictures
darknet data check DATA [--cfg CFG]                     what is wrong with a data set
darknet data localise DATA --to FOLDER                  copy it to the local disk
python -m darknet                                       what is wrong with this installation

options of train:
  -clear            count iterations from 0, whatever WEIGHTS say
  -map              mean average precision of the pictures of `valid`, every four times through
                    those of `train` (100 iterations at least); the best weights: ..._best.weights
  -map_every N      the same every N iterations; -iou_thresh .5: from which overlap a box is right
  -verbose          a line for each iteration and layer, not one line for all
  -seed N           the same pictures in the same order, the same first weights
  -loaders N        threads that read pictures (default: 64)
  -no_state         no ..._last.state, the momentum that ..._last.weights go on with (same size)
  -gpus 0,1         train on several GPUs
options of all:
  -i N              the number of the GPU; -nogpu: the CPU
  -dont_show        taken and not needed: there are no windows
options of test and demo:
  -thresh .5        show what is at least this certain
  -ext_output       print boxes in pixels (test, demo of a VIDEO)
  -out NAME         write NAME.jpg (test); -prefix NAME: NAME_00000000.jpg ... (demo)
  -out_filename V   write the video V, .mp4 or .avi (demo of a VIDEO)

environment:
  DARKNET_DEVICE=cpu|0|1...      where to compute
  DARKNET_THREADS=N              threads on the CPU (default: one for each core it may use)
  DARKNET_SIMD=sse2|avx2|avx512  vectors on the CPU (default: the widest there are)
  DARKNET_SIMD=none              upstream's loops: slow, and the same bits on every machine
  DARKNET_SAVE_MINUTES=10        how often ..._last.weights is written at least
  DARKNET_HOME=FOLDER            where cfg/ and data/ are looked for (default: the package's own)

examples:
  darknet detector train "/content/drive/My Drive/obj.data" my.cfg darknet53.conv.74
  darknet detector train "/content/drive/My Drive/obj.data" my.cfg backup/my_last.weights -map
  darknet detector map obj.data my.cfg backup/my_final.weights
  darknet detector test cfg/coco.data cfg/yolov3.cfg yolov3.weights data/dog.jpg
  darknet detector demo obj.data my.cfg my.weights "My Drive/street.mp4" -out_filename seen.mp4
"""
