#!/bin/sh
echo "#define LITTLE_SHOUT \"$1!\""
